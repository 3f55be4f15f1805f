package gateway_test

import (
	"errors"
	"fmt"
	"math"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/aimdb-go/aimdb/aimx"
	"github.com/aimdb-go/aimdb/aimx/gateway"
	"github.com/aimdb-go/aimdb/history"
	"github.com/aimdb-go/aimdb/key"
)

// TestHistoryOnTheWire checks the bytes of the extension on both transports.
func TestHistoryOnTheWire(t *testing.T) {
	h := open(t)
	h.history.rows = []history.Row{
		{ID: 1, Record: "a", Time: 5, Value: []byte("{\"n\":\n1}")},
		{ID: 2, Record: "a", Time: 6, Value: []byte(`{broken`)},
		{ID: 3, Record: `say "b"`, Time: 7, Value: []byte(`"x"`)},
		{ID: 4, Record: "cellar.old", Time: 8, Value: []byte(`4`)}, // not registered
	}
	h.history.buckets = []history.Bucket{{Record: "a", Start: 10, Count: 1, Min: 1.5, Max: 1.5, Mean: 1.5, Sum: 1.5, First: 1.5, Last: 1.5}}
	for name, p := range h.peers(t) {
		t.Run(name, func(t *testing.T) {
			p.send(t, `{"t":"req","id":1,"method":"history.page","params":{"limit":3}}`)
			head, next, found := strings.Cut(p.next(t), `,"next":"`)
			if want := `{"t":"reply","id":1,"ok":{"rows":[{"record":"a","time":5,"value":{"n":1}},{"record":"say \"b\"","time":7,"value":"x"}],"left_out":1,"max_id":4`; head != want || !found {
				t.Errorf("got  %s\nwant %s", head, want)
			}
			next, _, _ = strings.Cut(next, `"`)
			exchange(t, p, `{"t":"req","id":2,"method":"history.page","params":{"limit":3,"cursor":"`+next+`","max_id":4,"pattern":null}}`,
				`{"t":"reply","id":2,"ok":{"rows":[{"record":"cellar.old","time":8,"value":4}],"left_out":0,"max_id":4,"next":""}}`)
			exchange(t, p, `{"t":"req","id":3,"method":"history.page","params":{"pattern":"nobody","start":1,"end":2,"descending":true,"per_record":9,"max_id":-1}}`,
				`{"t":"reply","id":3,"ok":{"rows":[],"left_out":0,"max_id":-1,"next":""}}`)
			if q := h.history.ranged; *q.Window.Start != 1 || *q.Window.End != 2 || !q.Descending || q.PerRecord != 9 || q.MaxID != -1 || q.Pattern.String() != "nobody" {
				t.Errorf("asked %+v", q)
			}
			exchange(t, p, `{"t":"req","id":4,"method":"history.buckets","params":{"pattern":"a","width":10,"path":"n"}}`,
				`{"t":"reply","id":4,"ok":{"buckets":[{"record":"a","start":10,"count":1,"missing":0,"not_numeric":0,"min":1.5,"max":1.5,"mean":1.5,"sum":1.5,"first":1.5,"last":1.5}]}}`)
			if q := h.history.summarized; q.Width != 10*time.Millisecond || q.Path != "n" || q.Pattern.String() != "a" {
				t.Errorf("asked %+v", q)
			}
			p.send(t, `{"t":"req","id":5,"method":"history.stats","params":{"any":1}}`)
			if got := p.next(t); !strings.HasPrefix(got, `{"t":"reply","id":5,"ok":{"identity":"shelf","records":null,"rows":4,`) {
				t.Errorf("stats: %s", got)
			}
		})
	}
}

// TestHistoryRefuses: an answer that ignored a parameter would be wrong.
func TestHistoryRefuses(t *testing.T) {
	h := open(t)
	h.history.rows = []history.Row{{ID: 1, Record: "a", Value: []byte("1")}}
	p := h.linePeer(t)
	for _, c := range []struct{ method, params, says string }{
		{"history.page", `{"limit":-1}`, "negative"},
		{"history.page", `{"per_record":-1}`, "negative"},
		{"history.page", `{"limit":1.5}`, "whole numbers"},
		{"history.page", `{"limit":9223372036854775808}`, "whole numbers"},
		{"history.page", `{"start":"yesterday"}`, "whole milliseconds"},
		{"history.page", `{"descending":1}`, "bool"},
		{"history.page", `{"desc":true}`, "desc"},
		{"history.page", `{"pattern":"a*"}`, "wildcard"},
		{"history.page", `{"pattern":""}`, "pattern"},
		{"history.page", `{"cursor":"tampered"}`, "the cursor does not belong"},
		{"history.page", `[1]`, "parameters"},
		{"history.page", `"all"`, "parameters"},
		{"history.buckets", `null`, "width"},
		{"history.buckets", `{"width":0}`, "width"},
		{"history.buckets", `{"width":9223372036854775807}`, "width"},
		{"history.buckets", `{"width":1,"limit":1}`, "limit"},
		{"history.buckets", `{"width":1,"pattern":"#a"}`, "wildcard"},
	} {
		p.send(t, fmt.Sprintf(`{"t":"req","id":1,"method":%q,"params":%s}`, c.method, c.params))
		got := p.next(t)
		if !strings.Contains(got, c.says) || withoutMessage(t, got) != `{"t":"reply","id":1,"err":"internal"}` {
			t.Errorf("%s %s: got %s, want %q", c.method, c.params, got, c.says)
		}
	}
	h.history.buckets = []history.Bucket{{Record: "a", Sum: math.Inf(1)}}
	p.send(t, `{"t":"req","id":1,"method":"history.buckets","params":{"width":1}}`)
	if got := p.next(t); !strings.Contains(got, "JSON cannot hold") {
		t.Errorf("an infinite sum: %s", got)
	}
	h.history.err = errors.New("disk gone")
	for method, params := range map[string]string{"history.page": `{}`, "history.stats": `{}`, "history.buckets": `{"width":1}`} {
		p.send(t, fmt.Sprintf(`{"t":"req","id":1,"method":%q,"params":%s}`, method, params))
		if got := p.next(t); !strings.Contains(got, "disk gone") || withoutMessage(t, got) != `{"t":"reply","id":1,"err":"internal"}` {
			t.Errorf("%s: %s", method, got)
		}
	}
}

func TestHistoryIsBounded(t *testing.T) {
	h := open(t, func(c *gateway.Config) { c.Limits.PageRows, c.Limits.PageBytes, c.Limits.QueryRows = 4, 200, 2 })
	for i := range 20 {
		value := fmt.Appendf(nil, "%d", i)
		if i >= 10 && i < 15 { // larger than a page
			value = fmt.Appendf(nil, `"%d%s"`, i, strings.Repeat(".", 300))
		}
		h.history.rows = append(h.history.rows, history.Row{ID: int64(i + 1), Record: "a", Time: int64(i), Value: value})
	}
	c := dial(t, h.socket)
	for _, total := range []int{0, 1, 4, 5, 13, 20, 100} {
		var times []int64
		pages := 0
		for page, err := range c.HistoryPages(soon(t), history.PageQuery{RangeQuery: history.RangeQuery{Pattern: key.WirePattern("#"), Total: total}}) {
			if err != nil {
				t.Fatal(err)
			}
			if pages++; len(page.Rows) > 4 || len(page.Rows) > 1 && len(page.Rows[1].Value) > 100 {
				t.Errorf("a page has %d rows, %v", len(page.Rows), page.Rows)
			}
			for _, row := range page.Rows {
				times = append(times, row.Time)
			}
			if last := page.Next == "" || len(times) == total; last && (page.Next == "") != (len(times) == 20) {
				t.Errorf("%d rows: the cursor after them is %q", len(times), page.Next)
			}
		}
		want := total
		if total == 0 || total > 20 {
			want = 20
		}
		if len(times) != want || pages < want/4 {
			t.Errorf("total %d: %d rows in %d pages: %v", total, len(times), pages, times)
		}
		for i, ms := range times {
			if ms != int64(i) {
				t.Errorf("row %d has the time %d", i, ms)
			}
		}
	}
	h.history.buckets = make([]history.Bucket, 3)
	if _, err := c.HistoryBuckets(soon(t), history.BucketQuery{Width: time.Second, Pattern: key.WirePattern("#")}); !refusedWith(err, aimx.CodeInternal) || !strings.Contains(err.Error(), "wider") {
		t.Errorf("got %v", err)
	}
}

// TestHistoryPagesStayAsOfTheirBegin: no page has rows that were stored after the
// first page.
func TestHistoryPagesStayAsOfTheirBegin(t *testing.T) {
	h := open(t, func(c *gateway.Config) { c.Limits.PageRows = 2 })
	for id := range int64(5) {
		h.history.rows = append(h.history.rows, history.Row{ID: id + 1, Record: "a", Value: []byte("1")})
	}
	pages := 0
	for page, err := range dial(t, h.socket).HistoryPages(soon(t), history.PageQuery{RangeQuery: history.RangeQuery{Pattern: key.WirePattern("#")}}) {
		if pages++; err != nil || page.MaxID != 5 || h.history.ranged.MaxID != 5 {
			t.Fatalf("page %d goes up to row %d and was asked up to %d, %v; want 5", pages, page.MaxID, h.history.ranged.MaxID, err)
		}
		if pages < 3 {
			h.history.rows = append(h.history.rows, history.Row{ID: int64(len(h.history.rows) + 1), Record: "a", Value: []byte("1")})
		}
	}
	if pages < 3 {
		t.Errorf("%d pages", pages)
	}
}

// TestHistoryTakesTooLong: a query that takes too long is ended, and its client is
// advised.
func TestHistoryTakesTooLong(t *testing.T) {
	h := open(t, func(c *gateway.Config) { c.Limits.QueryTimeout = 50 * time.Millisecond })
	h.history.hold, h.history.begun = make(chan struct{}), make(chan struct{}, 2)
	c, all := dial(t, h.socket), key.WirePattern("#")
	if _, err := c.HistoryPage(soon(t), history.PageQuery{RangeQuery: history.RangeQuery{Pattern: all}}); !refusedWith(err, aimx.CodeInternal) || !strings.Contains(err.Error(), "fewer rows") {
		t.Errorf("got %v", err)
	}
	if _, err := c.HistoryBuckets(soon(t), history.BucketQuery{Pattern: all, Width: time.Hour}); !refusedWith(err, aimx.CodeInternal) || !strings.Contains(err.Error(), "shorter time") {
		t.Errorf("got %v", err)
	}
}

func TestHistoryClientOnBothTransports(t *testing.T) {
	h := open(t)
	h.history.rows = []history.Row{{ID: 1, Record: "a", Time: 7, Value: []byte(`{"ppm":1}`)}}
	h.history.buckets = []history.Bucket{{Record: "a", Count: 2, Mean: 0.1}}
	for _, endpoint := range []string{h.socket, h.webSocket()} {
		ctx, c := soon(t), dial(t, endpoint)
		if stats, err := c.HistoryStats(ctx); err != nil || !reflect.DeepEqual(stats, aimx.HistoryStats{Stats: history.Stats{Identity: "shelf", Rows: 1}}) {
			t.Errorf("stats %+v, %v", stats, err)
		}
		page, err := c.HistoryPage(ctx, history.PageQuery{RangeQuery: history.RangeQuery{Pattern: key.WirePattern("#")}})
		if want := (aimx.Page{Page: history.Page{Rows: []history.Row{{Record: "a", Time: 7, Value: []byte(`{"ppm":1}`)}}, MaxID: 1}}); err != nil || !reflect.DeepEqual(page, want) {
			t.Errorf("page %+v, %v", page, err)
		}
		buckets, err := c.HistoryBuckets(ctx, history.BucketQuery{Pattern: key.WirePattern("#"), Width: time.Hour})
		if err != nil || !reflect.DeepEqual(buckets, h.history.buckets) {
			t.Errorf("buckets %+v, %v", buckets, err)
		}
		if _, err := c.HistoryBuckets(ctx, history.BucketQuery{Width: time.Microsecond}); err == nil || !strings.Contains(err.Error(), "millisecond") {
			t.Errorf("got %v", err)
		}
	}
}

func TestHistoryIsNotThere(t *testing.T) {
	h := open(t, func(c *gateway.Config) { c.History = nil })
	for endpoint, code := range map[string]aimx.Code{h.socket: aimx.CodeInternal, h.webSocket(): aimx.CodeNotFound} {
		ctx, c := soon(t), dial(t, endpoint)
		_, stats := c.HistoryStats(ctx)
		_, page := c.HistoryPage(ctx, history.PageQuery{})
		_, buckets := c.HistoryBuckets(ctx, history.BucketQuery{})
		for _, err := range []error{stats, page, buckets} {
			if !refusedWith(err, code) || !strings.Contains(err.Error(), "no history") {
				t.Errorf("got %v, want %s", err, code)
			}
		}
	}
}
