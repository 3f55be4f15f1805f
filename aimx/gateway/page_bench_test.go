package gateway_test

import (
	"fmt"
	"testing"

	"github.com/aimdb-go/aimdb/aimx/gateway"
	"github.com/aimdb-go/aimdb/history"
	"github.com/aimdb-go/aimdb/key"
)

// BenchmarkPages reads 10,000 rows of some 110 bytes over a unix socket, page by page.
func BenchmarkPages(b *testing.B) {
	h := open(b, func(c *gateway.Config) {})
	bytes := 0
	for n := range 10_000 {
		value := fmt.Appendf(nil, `{"city":"seattle","source":"observed","forecast_celsius":%d.25,"actual_celsius":%d.5,"error_celsius":0.25}`, n%30, n%40)
		h.history.rows = append(h.history.rows, history.Row{ID: int64(n + 1), Record: "accuracy::seattle", Time: int64(n) * 60_000, Value: value})
		bytes += len(value)
	}
	c := dial(b, h.socket)
	b.SetBytes(int64(bytes))
	b.ReportAllocs()
	for b.Loop() {
		rows := 0
		for page, err := range c.HistoryPages(b.Context(), history.PageQuery{RangeQuery: history.RangeQuery{Pattern: key.WirePattern("accuracy::*")}}) {
			if err != nil {
				b.Fatal(err)
			}
			rows += len(page.Rows)
		}
		if rows != len(h.history.rows) {
			b.Fatalf("%d rows, want %d", rows, len(h.history.rows))
		}
	}
}
