package hub

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"testing"

	"github.com/chromedp/chromedp"
)

// htmlPage serves one page.
func htmlPage(html string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		_, _ = io.WriteString(w, "<!doctype html>\n<meta charset=\"utf-8\">\n"+html) // a browser that leaves is no error
	})
}

// goTo opens a page.
func goTo(t *testing.T, browser context.Context, url string) {
	t.Helper()
	if err := chromedp.Do(browser, chromedp.Navigate(url)); err != nil {
		t.Fatal(err)
	}
}

// counting is a script that follows n::* and checks that each record counts up from 1.
const counting = `import("/aimx.js").then(({ connect }) => {
	const c = globalThis.counting = { got: {}, wrong: [], positions: [], caughtUp: 0, cuts: 0 };
	c.sub = connect().subscribe("n::*", {
		from: 0,
		onValue(value, { record, position, time }) {
			const want = (c.got[record] ?? 0) + 1;
			if (value.n !== want || position !== c.sub.position || !(time > 0)) c.wrong.push(record + " " + value.n + " at " + position + ", want " + want);
			c.got[record] = value.n;
			if (want % 100 === 1) c.positions.push(position);
		},
		onCaughtUp() { c.caughtUp++ },
		onLoss(loss) { c.wrong.push(JSON.stringify(loss)) },
		onState(state, err) {
			if (state === "lost") c.cuts++;
			if (state === "closed") c.wrong.push(String(err));
		},
	});
	return "";
})`

// counted waits until the script counting has reached numbers, and checks it.
func counted(t *testing.T, browser context.Context, want map[string]int) {
	t.Helper()
	for record, n := range want {
		until(t, browser, fmt.Sprintf("%d of %s", n, record), fmt.Sprintf(`counting.wrong.length || counting.got[%q] >= %d`, record, n))
	}
	if wrong := read[[]string](t, browser, `counting.wrong.slice(0, 5)`); len(wrong) > 0 {
		t.Fatalf("not in order: %q", wrong)
	}
}
