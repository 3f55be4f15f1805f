package console

import (
	"context"
	"testing"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/performance"
	"github.com/chromedp/chromedp"
)

// taskSeconds returns for how long the page has computed, in seconds, and when.
func (b *tab) taskSeconds() (busy, at float64) {
	b.t.Helper()
	b.do(chromedp.Func(func(ctx context.Context, _ *chromedp.Target) error {
		got, err := chromedp.Call(ctx, performance.GetMetrics, cdp.Empty{})
		for _, m := range got.Metrics {
			switch m.Name {
			case "TaskDuration":
				busy = m.Value
			case "Timestamp":
				at = m.Value
			}
		}
		return err
	}))
	return busy, at
}

// BenchmarkManyRecords shows 10,000 records and sets 20 of them that are seen 60 times a
// second. docs/BENCHMARKS.md has the figures.
func BenchmarkManyRecords(b *testing.B) {
	w, all := many(b)
	page := newTab(b, w.url)
	page.do(chromedp.Func(func(ctx context.Context, _ *chromedp.Target) error {
		_, err := chromedp.Call(ctx, performance.Enable, performance.EnableParams{})
		return err
	}))
	var painted, shown, share float64
	for b.Loop() {
		page.do(chromedp.Navigate("about:blank"), chromedp.Navigate(w.url+"/console/#/records"))
		page.until("all records", allListed)
		painted += eval[float64](page, `performance.getEntriesByName("first-contentful-paint")[0].startTime`)
		shown += eval[float64](page, `performance.getEntriesByName("records")[0].startTime`)
		eval[any](page, watchRows)
		before, from := page.taskSeconds()
		page.during(all[:20], 5000)
		after, to := page.taskSeconds()
		share += 100 * (after - before) / (to - from)
	}
	n := float64(b.N)
	b.ReportMetric(painted/n, "ms-to-paint")
	b.ReportMetric(shown/n, "ms-to-rows")
	b.ReportMetric(share/n, "%-TaskDuration")
	b.ReportMetric(0, "ns/op")
}
