package console

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"

	"github.com/aimdb-go/aimdb"
	"github.com/aimdb-go/aimdb/sinks/sqlite"
)

// noted is a value with a time of its own and a text of any size.
type noted struct {
	At   time.Time `json:"at"`
	Text string    `json:"text"`
	N    float64   `json:"n"`
}

// oddPlant has records with values of 1 MB, some of which store and log refuse, and with
// times of 2100 and 9999. A stage makes one from the other.
func oddPlant(t *testing.T) *world {
	t.Helper()
	var ahead, large *aimdb.Record[noted]
	w := openStore(t, []sqlite.Option{sqlite.MaxValueBytes(1_000_000)}, func(db *aimdb.DB) {
		at := aimdb.EventTime(func(n noted) time.Time { return n.At })
		ahead = register[noted](t, db, "odd::ahead", aimdb.Ring(64), aimdb.Persist(), aimdb.Remote(), at)
		large = register[noted](t, db, "odd::large", aimdb.Ring(16), aimdb.Persist(), aimdb.Remote(), at)
		if err := aimdb.Map(large, ahead, func(n noted) noted { return noted{At: n.At, N: float64(len(n.Text))} }); err != nil {
			t.Fatal(err)
		}
	}, aimdb.Retain("odd::ahead", aimdb.Retention{MaxAge: time.Hour}))
	text := func(size int) string { return html + strings.Repeat("x", size-len(html)) }
	for _, n := range []noted{
		{date(2100), text(980_000), 1}, {date(2101), text(1_020_000), 2}, {date(9999), text(1_020_000), 3}, {date(2100), text(1_200_000), 4},
	} {
		if err := large.Send(t.Context(), n); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	return w
}

func date(year int) time.Time { return time.Date(year, 6, 1, 12, 0, 0, 0, time.UTC) }

// What the pages for operators make of values of 1 MB and of times to come.
func TestOddOperatorPages(t *testing.T) {
	w := oddPlant(t)
	b := newTab(t, w.url)
	for _, c := range []struct {
		page   string
		texts  []string
		closer string // an expression that holds
	}{
		{"graph", []string{"odd::large", "4 values"}, `document.querySelectorAll(".node").length === 2`},
		{"log", []string{"1 too large", "of 1.0 GiB", "sqlite"}, `/MiB/.test(document.querySelector(".facts").innerText)`},
		{"losses", []string{"<script>alert(1)</script>", "996 KiB", "2101-06-01", "9999-06-01", "sink_refused", "log_refused", "The ledger of a store"},
			`document.querySelectorAll("code.cut").length === 2 && [...document.querySelectorAll("code.cut")].every((c) => c.textContent.length <= 1000)`},
		{"disk", []string{"odd::large", "957 KiB", "in 74 y", "in 7,973 y"}, `!/NaN|Invalid|undefined/.test(document.body.innerText)`},
		{"retention", []string{"odd::ahead"}, `!document.querySelector(".bad")`},
	} {
		b.visit("#/" + c.page)
		for _, text := range c.texts {
			b.until(c.page+" with "+text, fmt.Sprintf(`document.querySelector("main").innerText.includes(%q)`, text))
		}
		b.until(c.page+": "+c.closer, c.closer)
		b.wide(c.page)
		if n := eval[int](b, `document.body.innerHTML.length`); n > 100_000 {
			t.Errorf("%s is a page of %d characters", c.page, n)
		}
		if eval[bool](b, `Boolean(document.querySelector("#injected"))`) {
			t.Errorf("%s makes an element of a value", c.page)
		}
	}
	// A sweep leaves rows from the future until they were stored for as long as the age says.
	eval[any](b, `[...document.querySelectorAll("main button")].find((b) => b.textContent === "Try the limits in force").click()`)
	b.until("the dry run", `document.querySelector("main").innerText.includes("It would delete nothing")`)
}

// steppedClock mounts a page with answers of a server whose clock is set, or in a browser whose
// clock is set: a year back, and then two years ahead.
const steppedClock = `(async () => {
	const page = await import("/console/pages/%s.js"), root = document.createElement("div"), browser = %t;
	document.querySelector("main").replaceChildren(root);
	globalThis.clock ??= Date.now;
	const year = 365.25 * 86_400_000, start = clock();
	let asked = 0, published = 0;
	const step = () => (asked > 2 ? year : asked > 1 ? -year : 0), now = () => start + 1000 * asked + (browser ? 0 : step());
	Date.now = () => clock() + (browser ? step() : 0);
	const record = { record: "a", rows: 1, bytes: 10, first_time: start, last_time: start };
	const answers = {
		stats: () => ({ time_ms: (asked++, now()), log: { state: "ok", published: (published += 10), underway: 0, refused: 0, retries: 0, messages: 1, bytes: 10, max_bytes: 1e9, max_age_ms: 1e9, first_sequence: 1, last_sequence: 1, oldest_ms: start },
			sinks: [{ name: "sqlite", state: "ok", values: published, lag_messages: 0, lag_seconds: 0, last_commit_ms: start, refused: 0, lost: 0, retries: 0 }],
			history: { rows: 1, records: 1, bytes: 100, wal_bytes: 0, oldest_ms: start, last_prune_ms: start } }),
		"history.usage": () => ({ records: [record], others: { records: 0 }, pruned: [], bytes: 100, free_bytes: 0, wal_bytes: 0, value_bytes: 10 }),
		"retention.list": () => ({ time_ms: (asked++, now()), every_ms: 60_000, last_sweep_ms: start, policies: [], pruned: [] }),
		"graph.nodes": () => (asked++, []), "graph.edges": () => [], "graph.topo_order": () => ["a"],
		"record.list": () => [{ record_key: "a", origin: "source", produced_count: (published += 10), consumer_count: 0 }],
		"loss.list": () => ({ losses: [{ record: "a", cause: "log_missing", count: 1, from: 1, to: 1, first_time: 1e12, last_time: 1e12, sink: "sqlite" }], hidden: 0 }),
		"deadletter.list": () => ({ letters: [], hidden: 0 }),
	};
	globalThis.asked = () => asked;
	page.mount(root, { db: { call: async (method) => answers[method]() }, say() {} });
})()`

// The clock of the server, or that of the browser, is set while a page is open: ages follow
// that of the server, and rates and times neither.
func TestClockSteps(t *testing.T) {
	w := open(t, func(db *aimdb.DB) { add(t, db, "a", aimdb.Latest()) })
	b := newTab(t, w.url)
	b.visit("#/losses")
	const back, ahead = `.includes("in 365 d")`, `.includes("365 d ago")`
	const rate = `.match(/\d(\.\d)?\/(s|min)/)`
	const time = `.includes("2001-09-09")`
	for _, c := range []struct {
		page        string
		browser     bool
		back, ahead string
		again       bool // the page reads again when it is told to
	}{
		{page: "log", back: back, ahead: ahead},
		{page: "disk", back: back, ahead: ahead},
		{page: "graph", browser: true, back: rate, ahead: rate},
		{page: "losses", browser: true, back: time, ahead: time, again: true},
		{page: "losses", back: time, ahead: time, again: true},
		{page: "retention", back: back, ahead: ahead, again: true},
		{page: "retention", browser: true, back: `.includes("2 s ago")`, ahead: `.includes("3 s ago")`, again: true},
	} {
		name, clock := c.page, "the server"
		if c.browser {
			clock = "the browser"
		}
		eval[any](b, fmt.Sprintf(steppedClock, c.page, c.browser))
		const main = `document.querySelector("main").innerText`
		next := func(n int) {
			if c.again {
				b.until(name+" has an answer", fmt.Sprintf(`asked() === %d && %s.includes("As of")`, n-1, main))
				eval[any](b, `document.dispatchEvent(new Event("reconnected")), null`)
			}
		}
		next(2)
		b.until(name+" with the clock of "+clock+" a year back", `asked() === 2 && `+main+c.back)
		next(3)
		b.until(name+" with the clock of "+clock+" a year ahead", `asked() > 2 && `+main+c.ahead)
		shown := eval[string](b, main)
		if strings.Contains(shown, "NaN") || strings.Contains(shown, "in the last 365 d") {
			t.Errorf("%s shows %s", name, shown)
		}
		if name == "log" && !eval[bool](b, `/Written\s+(\d+(\.\d)?)\/s/.exec(document.querySelector("main").innerText)[1] > 2`) {
			t.Errorf("10 values a second are shown as %s", shown)
		}
	}
}

// A page of a record says in which zone its times are, and takes times in ISO 8601.
func TestTimeZone(t *testing.T) {
	var r *aimdb.Record[noted]
	w := open(t, func(db *aimdb.DB) {
		r = register[noted](t, db, "odd", aimdb.Ring(64), aimdb.Persist(), aimdb.Remote(), aimdb.EventTime(func(n noted) time.Time { return n.At }))
	})
	for _, n := range []noted{{At: date(2025)}, {At: date(2100), N: 1}, {At: date(9999), N: 2}} {
		if err := r.Send(t.Context(), n); err != nil {
			t.Fatal(err)
		}
	}
	b := newTab(t, w.url)
	zone := emulation.SetTimezoneOverrideParams{TimezoneID: "Asia/Kolkata"}
	b.do(chromedp.Func(func(ctx context.Context, _ *chromedp.Target) error {
		_, err := chromedp.Call(ctx, emulation.SetTimezoneOverride, zone)
		return err
	}))
	b.visit(recordPage("odd"))
	fields := `[...document.querySelectorAll("input.date")].map((f) => f.value).join("|")`
	b.until("all of its times, and their zone", fields+` === "2025-06-01 17:30:00|9999-06-01 17:30:00" && /^Times in Asia\/(Kolkata|Calcutta) \(UTC\+05:30\)$/.test(document.getElementById("zone").textContent) && document.querySelectorAll("td .warn").length === 2`)
	for _, c := range []struct{ from, to, want, rows string }{
		{"2100-06-01T12:00Z", "2100-06-01T14:00:00.5+02:00", "2100-06-01 17:30:00|2100-06-01 17:30:00", "1"},
		{"2100-06-01 17:29:59", "2100-06-02", "2100-06-01 17:29:59|2100-06-02 00:00:00", "1"},
		{"2025-01-01", "2100-06-01T12:00:00Z", "2025-01-01 00:00:00|2100-06-01 17:30:00", "2"},
		{"2100-06-02", "9999-12-31T23:59:59-12:00", "2100-06-02 00:00:00|10000-01-01 17:29:59", "1"},
	} {
		eval[any](b, fmt.Sprintf(`(() => { const [from, to] = document.querySelectorAll("input.date"); from.value = %q; to.value = %q; to.dispatchEvent(new Event("change")); })()`, c.from, c.to))
		b.until(c.from+" to "+c.to, fmt.Sprintf(`%s === %q && document.querySelectorAll("td.value").length === %s`, fields, c.want, c.rows))
	}
	for _, wrong := range []string{"yesterday", "2025-02-30", "2025-13-01", "2025-01-01 25:00", "1.6.2025"} {
		eval[any](b, fmt.Sprintf(`(() => { const [from] = document.querySelectorAll("input.date"); from.value = %q; from.dispatchEvent(new Event("change")); })()`, wrong))
		b.until("that "+wrong+" is no time", fmt.Sprintf(`document.querySelector("input.date").ariaInvalid === "true" && document.getElementById("messages").innerText.includes(%q)`, wrong))
	}
}

// Only a server that asks for a token has a control for one.
func TestTokenControl(t *testing.T) {
	const hidden = `document.getElementById("token").hidden`
	free := open(t, func(db *aimdb.DB) { add(t, db, "a", aimdb.Latest()) })
	guarded := open(t, func(db *aimdb.DB) { add(t, db, "a", aimdb.Latest()) }, aimdb.Tokens(aimdb.Token{Token: "a-token-that-reads-all", Read: []string{"#"}}))
	b := newTab(t, free.url)
	b.visit("#/records")
	b.until("the connection", connected)
	if !eval[bool](b, hidden) {
		t.Error("a server that asks for no token has a control for one")
	}
	b = newTab(t, guarded.url)
	b.visit("#/records")
	b.until("the question for a token, and the control", `document.getElementById("ask").open && !`+hidden)
	const asks = "This server asks for a token. Ask whoever runs the database for one."
	for _, page := range []string{"#/records", "#/log", recordPage("a")} {
		b.visit(page)
		b.until("the question in plain words", fmt.Sprintf(`document.getElementById("ask").open && document.getElementById("ask-why").textContent === %q`, asks))
		b.until("one entry below it", fmt.Sprintf(`document.querySelectorAll("main p, main dd").length === 1 && document.querySelector("main p").textContent === %q`, asks))
	}
	eval[any](b, `sessionStorage.setItem("aimdb.console.token", "wrong")`)
	b.visit(recordPage("a"))
	const unknown = "The token, or the name or password, is unknown; ask whoever runs the database for one."
	b.until("that the token is wrong", fmt.Sprintf(`[document.getElementById("ask-why"), document.querySelector("main p")].every((e) => e.textContent === %q)`, unknown))
	eval[any](b, `sessionStorage.setItem("aimdb.console.token", "a-token-that-reads-all")`)
	b.visit("#/records")
	b.until("the control beside the page", connected+` && !document.getElementById("ask").open && !`+hidden)
}

// Losses by cause has what readers skipped too, and what was lost before the log.
func TestLossesByCause(t *testing.T) {
	var r *aimdb.Untyped
	w := open(t, func(db *aimdb.DB) { r = add(t, db, "fast", aimdb.Ring(4)) })
	reader := r.Subscribe("slow")
	defer reader.Close()
	for i := range 14 {
		if err := r.Set(json.RawMessage(fmt.Sprint(i))); err != nil {
			t.Fatal(err)
		}
	}
	if _, ok := reader.TryReceive(); !ok {
		t.Fatal("the reader has nothing")
	}
	b := newTab(t, w.url)
	b.visit("#/losses")
	b.until("the cause", `[...document.querySelectorAll("tbody tr")].some((r) => r.innerText.startsWith("ring_overrun\t0\t0\t10\t"))`)
	b.look(360, "light")
	b.until("rows that are no higher than a line of the meaning", `[...document.querySelectorAll("table")][0].querySelector("tbody tr").offsetHeight < 45`)
	b.until("the reader", `[...document.querySelectorAll("tbody tr")].some((r) => r.innerText.split("\t").join() === "fast,slow,ring_overrun,10")`)
}
