package console

import (
	"context"
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"github.com/chromedp/chromedp/kb"

	"github.com/aimdb-go/aimdb"
)

const rowCount = `document.querySelectorAll(".grid-row:not([hidden])").length`

// many is a database of 10,000 records, and a tab that shows them.
func many(t testing.TB) (w *world, all []*aimdb.Untyped) {
	t.Helper()
	const count = 10_000
	w = open(t, func(db *aimdb.DB) {
		for i := range count {
			all = append(all, add(t, db, fmt.Sprintf("sensor::n%05d", i), aimdb.Latest()))
		}
	})
	for i, r := range all {
		if err := r.Set(json.RawMessage(fmt.Sprintf(`{"celsius": %d.5}`, i%40))); err != nil {
			t.Fatal(err)
		}
	}
	return w, all
}

const allListed = `document.querySelector(".end")?.textContent === "10,000 records"`

// watchRows counts what changes in the rows: in how many frames, in how many of their values,
// and how many rows are made or shown.
const watchRows = `(() => {
	const seen = globalThis.seen = { frames: 0, values: 0, rows: 0 };
	let counted = false;
	new MutationObserver((all) => {
		if (!counted) { counted = true; seen.frames++; requestAnimationFrame(() => { counted = false; }); }
		for (const m of all) {
			const at = m.target.nodeType === 1 ? m.target : m.target.parentElement;
			if (at?.closest(".c-value")) seen.values++;
			if (m.type === "attributes" || at?.matches(".grid-rows")) seen.rows++;
		}
	}).observe(document.querySelector(".grid-rows"), { subtree: true, childList: true, characterData: true, attributes: true, attributeFilter: ["hidden", "aria-rowindex"] });
})(), null`

// counted are the counts of watchRows.
type counted struct{ Frames, Values, Rows int }

// during returns what watchRows counts while records are set 60 times a second, for some time
// of the page.
func (b *tab) during(records []*aimdb.Untyped, ms float64) (c counted, took float64) {
	b.t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- update(ctx, records) }()
	from := eval[float64](b, `Object.assign(seen, { frames: 0, values: 0, rows: 0 }), performance.now()`)
	b.until("some time", fmt.Sprintf(`performance.now() > %f`, from+ms))
	c = eval[counted](b, `({Frames: seen.frames, Values: seen.values, Rows: seen.rows})`)
	took = eval[float64](b, `performance.now()`) - from
	cancel()
	if err := <-done; err != nil {
		b.t.Fatal(err)
	}
	return c, took
}

// TestManyRecords shows 10,000 records: only those that are seen are drawn, their values are
// written four times a second, and those that are not seen cause no work. What it takes of a
// processor is for BenchmarkManyRecords.
func TestManyRecords(t *testing.T) {
	w, all := many(t)
	b := newTab(t, w.url)
	b.visit("#/records")
	b.until("all records", allListed)
	if n := eval[int](b, rowCount); n < 10 || n > 60 {
		t.Errorf("%d rows are drawn, want those that are seen", n)
	}
	if n := eval[int](b, `document.querySelectorAll("*").length`); n > 1000 {
		t.Errorf("the page has %d elements", n)
	}
	b.until("a row", `document.querySelector(".grid-row .c-value")?.textContent?.includes("celsius")`)
	eval[any](b, watchRows)
	c, took := b.during(all[:20], 1000)
	most := int(took/250) + 2
	t.Logf("20 rows that are seen: %+v in %.0f ms", c, took)
	if c.Values == 0 || c.Frames > most || c.Values > 2*20*most || c.Rows > 0 {
		t.Errorf("60 updates a second of 20 rows that are seen: %+v in %.0f ms, want at most %d frames", c, took, most)
	}
	eval[any](b, `new Promise((r) => setTimeout(r, 500))`) // the last of them are drawn
	c, took = b.during(all[5000:5020], 1000)
	t.Logf("20 rows that are not seen: %+v in %.0f ms", c, took)
	if c.Values > 0 || c.Rows > 0 {
		t.Errorf("60 updates a second of 20 rows that are not seen: %+v in %.0f ms, want no change of a value or row", c, took)
	}
	if n := eval[int](b, rowCount); n > 60 {
		t.Errorf("%d rows are drawn after that", n)
	}

	b.press(kb.Tab) // to somewhere in the page
	eval[any](b, `document.querySelector(".grid-body").focus(), null`)
	b.press(kb.End)
	b.until("the last record with the focus", `document.activeElement.textContent === "sensor::n09999"`)
	b.press(kb.ArrowUp)
	b.until("the one before", `document.activeElement.textContent === "sensor::n09998"`)
	eval[any](b, `(() => { const f = document.querySelector("input[type=search]"); f.value = "n0123*"; f.dispatchEvent(new Event("input")); })()`)
	b.until("the filtered records", `document.querySelector(".end")?.textContent === "10 of 10,000 records"`)
	eval[any](b, `document.querySelector(".c-key button").click()`)
	b.until("the order turned", `document.querySelector(".grid-head .c-key")?.getAttribute("aria-sort") === "descending" && document.querySelector(".grid-row a")?.textContent === "sensor::n01239"`)
	eval[any](b, `document.querySelector(".grid-row a").focus()`)
	b.press(kb.Enter)
	b.until("the page of the record", `document.querySelector("h1")?.textContent === "sensor::n01239"`)
	eval[any](b, `history.back()`)
	b.until("the filter again", `document.querySelector("input[type=search]")?.value === "n0123*"`)
}

// update sets records in turn, 60 times a second.
func update(ctx context.Context, records []*aimdb.Untyped) error {
	tick := time.NewTicker(time.Second / 60)
	defer tick.Stop()
	for i := 0; ; i++ {
		if err := records[i%len(records)].Set(json.RawMessage(fmt.Sprintf(`{"celsius": %d, "live": true}`, i%37))); err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

// A token that may read only some records sees those, and is asked for first.
func TestTokens(t *testing.T) {
	var r *aimdb.Untyped
	w := open(t, func(db *aimdb.DB) {
		r = add(t, db, "temp::a", aimdb.Latest(), aimdb.Writable())
		add(t, db, "temp::b", aimdb.Ring(8), aimdb.Persist(), aimdb.Writable())
		add(t, db, "secret", aimdb.Latest())
	}, aimdb.Tokens(
		aimdb.Token{Token: "a-reader-of-temp", Read: []string{"temp::*"}},
		aimdb.Token{Token: "a-writer-of-temp", Read: []string{"#"}, Write: []string{"temp::*"}},
		aimdb.Token{Token: "a-gauge-that-reads-nothing", Write: []string{"temp::*"}},
	), aimdb.Users(aimdb.User{Name: "ann", Password: "right", Read: []string{"secret"}}))
	b := newTab(t, w.url)
	b.visit("#/records")
	b.until("the question for a token", `document.getElementById("ask").open`)
	enter := func(token string) {
		t.Helper()
		eval[any](b, `document.getElementById("ask-token").focus()`)
		b.press(token)
		b.press(kb.Enter)
	}
	enter("wrong")
	b.until("the question again", `document.getElementById("ask").open && document.getElementById("ask-why").textContent.includes("unknown")`)
	enter("a-reader-of-temp")
	b.until("what the token may read", `document.querySelector(".end")?.textContent === "2 records"`)
	set(t, r, map[string]int{"n": 41})
	b.until("a value", `document.querySelector(".grid-row .c-value")?.textContent === "{n: 41}"`)
	if got := eval[string](b, `JSON.stringify([Object.values(localStorage), document.cookie, location.href.includes("reader-of"), Object.values(sessionStorage)])`); got != `[[],"",false,["a-reader-of-temp"]]` {
		t.Errorf("the token is kept in %s, want sessionStorage alone", got)
	}
	eval[any](b, `location.hash = "#/record/temp::a"`)
	b.until("that it may not be set", `document.querySelector(".facts")?.textContent?.includes("May be setno")`)
	if eval[bool](b, `Boolean(document.querySelector("textarea"))`) {
		t.Error("a token that may not write is offered to")
	}
	eval[any](b, `location.hash = "#/records", document.getElementById("token").click()`)
	enter("a-gauge-that-reads-nothing")
	b.until("that it may read nothing", `document.querySelector("main .state")?.textContent === "This token or user may read none of the records." && document.querySelector(".end").textContent === ""`)
	for _, c := range []struct{ password, until string }{
		{"wrong", `document.getElementById("ask").open && document.getElementById("ask-why").textContent.includes("unknown")`},
		{"right", `document.querySelector(".end")?.textContent === "1 record"`},
	} {
		eval[any](b, `location.hash = "#/records", document.getElementById("ask").open || document.getElementById("token").click()`)
		enter("ann:" + c.password)
		b.until("what a user with the password "+c.password+" sees", c.until)
	}
	eval[any](b, `location.hash = "#/record/temp::a", document.getElementById("token").click()`)
	enter("a-writer-of-temp")
	b.until("the form", `document.querySelector("textarea")`)
	for _, c := range []struct{ value, said string }{{"{", "not JSON"}, {`{"n": 42}`, "Set at"}} {
		eval[any](b, fmt.Sprintf(`document.querySelector("textarea").value = %q, document.querySelector("form .primary:not([value])").click()`, c.value))
		b.until(c.said, fmt.Sprintf(`document.getElementById("set-said").textContent.includes(%q)`, c.said))
	}
	b.until("the new value", `document.querySelector(".newest pre")?.textContent?.includes("42")`)
	if v, _, _, err := r.Get(); err != nil || string(v) != `{"n":42}` {
		t.Errorf("the record has %s, %v", v, err)
	}
}
