package console

import (
	"context"
	"fmt"
	"math"
	"net/http"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/aimdb-go/aimdb"
	"github.com/aimdb-go/aimdb/console"
	"github.com/aimdb-go/aimdb/httpapi"
	"github.com/aimdb-go/aimdb/sinks/sqlite"
)

// view is a page, with expressions for what it has once it is there, of a value that is set
// while the connection is cut, and of a server that has a record and a policy n::new.
type view struct {
	*tab
	name, fragment        string
	there, missed, latter string
	polled                bool // it says itself that it is not current
}

func views() []*view {
	const main, rows = `document.querySelector("main").innerText`, `[...document.querySelectorAll(".grid-row:not([hidden])")].map((r) => r.innerText)`
	has := func(text string) string { return fmt.Sprintf(`%s.includes(%q)`, main, text) }
	row := func(key, value string) string {
		return fmt.Sprintf(`%s.some((r) => r.includes(%q) && r.includes(%q))`, rows, key, value)
	}
	cells := func(key string, at int, value string) string {
		return fmt.Sprintf(`[...document.querySelectorAll("main tbody tr")].some((r) => r.cells[0]?.textContent === %q && r.cells[%d]?.textContent === %q)`, key, at, value)
	}
	logged := func(last int) string { return fmt.Sprintf(`/1 to (\d+)/.exec(%s)[1] >= %d`, main, last) }
	const newest = `document.querySelector(".newest pre")?.textContent`
	return []*view{
		{name: "records", fragment: "#/records", there: row("n::a", "3.25"), missed: row("n::a", "100.25"), latter: row("n::new", "7.25")},
		{name: "record", fragment: recordPage("n::a"), there: newest + ` === "3.25"`, missed: newest + ` === "100.25"`, latter: newest + ` === "7.25"`},
		{name: "tail", fragment: "#/tail?from=hour&pattern=n::*", there: row("n::b", "3.25"), missed: row("n::b", "100.25"), latter: row("n::new", "7.25")},
		{name: "graph", fragment: "#/graph", there: cells("n::a", 4, "3"), missed: cells("n::a", 4, "5"), latter: `document.querySelector('.node[href="#/record/n%3A%3Anew"]')`, polled: true},
		{name: "log", fragment: "#/log", there: has("1 to 6"), missed: logged(8), latter: logged(11), polled: true},
		{name: "losses", fragment: "#/losses", there: has("Nothing is lost."), missed: has("not_encodable"), latter: has("n::new")},
		{name: "retention", fragment: "#/retention", there: cells("n::*", 2, "1,000"), missed: `document.querySelector(".asof").textContent !== globalThis.before`, latter: cells("n::new", 2, "12")},
		{name: "disk", fragment: "#/disk", there: cells("n::a", 4, "3"), missed: cells("n::a", 4, "4"), latter: cells("n::new", 4, "1"), polled: true},
	}
}

// plantAt runs a database in a directory, with the console at an address. with is a record
// more, made from n::a, and its policy.
func plantAt(t *testing.T, dir, address string, with ...string) (db *aimdb.DB, a *aimdb.Record[float64], stop func()) {
	t.Helper()
	store, err := sqlite.Open(filepath.Join(dir, "history.db"))
	if err != nil {
		t.Fatal(err)
	}
	mux := http.NewServeMux()
	opts := []aimdb.Option{aimdb.Name("plant"), aimdb.Dir(dir), aimdb.WithPersistence(store, 0), aimdb.HTTP(address, mux), aimdb.Retain("n::*", aimdb.Retention{MaxRows: 1000})}
	for _, key := range with {
		opts = append(opts, aimdb.Retain(key, aimdb.Retention{MaxRows: 12}))
	}
	if db, err = aimdb.New(opts...); err != nil {
		t.Fatal(err)
	}
	mux.Handle("/api/", httpapi.New(db))
	mux.Handle("/console/", console.New(db))
	a = register[float64](t, db, "n::a", aimdb.Ring(64), aimdb.Persist(), aimdb.Remote())
	for _, key := range append([]string{"n::b"}, with...) {
		b := register[float64](t, db, key, aimdb.Ring(64), aimdb.Persist(), aimdb.Remote())
		if err := aimdb.Map(a, b, func(v float64) float64 { return v }); err != nil {
			t.Fatal(err)
		}
	}
	return db, a, begin(t, db)
}

// begin runs a database until it is stopped.
func begin(t *testing.T, db *aimdb.DB) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- db.Run(ctx) }()
	<-db.Ready()
	stop = sync.OnceFunc(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(stop)
	return stop
}

// lostFor says that the connection is lost, since when, and for how long.
const lostFor = `/^Connection lost at \d\d:\d\d:\d\d: what you see is \d+ m?s old/.test(document.getElementById("health").textContent)`

const connected = `document.getElementById("health").dataset.state === "ok" && document.body.dataset.connection === "open"`

// Every page says that the connection is cut and since when, keeps what it has, and goes on
// when the network, and when another process of the server, is back.
func TestAway(t *testing.T) {
	dir := t.TempDir()
	db, a, stop := plantAt(t, dir, "127.0.0.1:0")
	address := db.Addresses().HTTP
	wire := newWire(t, address)
	send := func(n float64) {
		t.Helper()
		if err := a.Send(t.Context(), n); err != nil {
			t.Fatal(err)
		}
	}
	for _, n := range []float64{1.25, 2.25, 3.25} {
		send(n)
	}
	if err := db.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	all := views()
	for _, v := range all {
		v.tab = newTab(t, "http://"+wire.address)
		v.visit(v.fragment)
	}
	each := func(what string, of func(v *view) string) {
		t.Helper()
		for _, v := range all {
			v.until(v.name+": "+what, of(v))
		}
	}
	kept := func(of func(v *view) string) {
		t.Helper()
		each("that the connection is lost", func(*view) string { return lostFor })
		each("that it is not current", func(v *view) string {
			return fmt.Sprintf(`!%t || document.querySelector(".trouble").textContent.includes("not current")`, v.polled)
		})
		for _, v := range all {
			if !eval[bool](v.tab, "Boolean("+of(v)+")") {
				t.Errorf("%s does not keep what it has", v.name)
			}
		}
	}
	there, missed := func(v *view) string { return v.there }, func(v *view) string { return v.missed }

	each("what it shows", there)
	for _, v := range all {
		eval[any](v.tab, `globalThis.before = document.querySelector(".asof")?.textContent, null`)
		if v.name == "disk" { // the clock of the browser is set: the age is that of the connection all the same
			eval[any](v.tab, `Date.now = ((now) => () => now() + 400 * 86_400_000)(Date.now), null`)
		}
	}
	wire.cut()
	kept(there)
	a.Produce(math.NaN()) // JSON has no such number
	send(100.25)
	if err := db.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	wire.mend()
	each("the connection", func(*view) string { return connected })
	each("what came without a connection", missed)
	each("that it is current", func(*view) string { return `!(document.querySelector(".trouble")?.textContent)` })

	stop()
	kept(missed)
	_, a, _ = plantAt(t, dir, address, "n::new")
	a.Produce(math.NaN())
	send(7.25)
	each("the connection to the other process", func(*view) string { return connected })
	each("what the other process has", func(v *view) string { return v.latter })
}

// The page of a record offers to write what the present process of the server lets it write.
func TestWritableAfterRestart(t *testing.T) {
	run := func(address string, opts ...aimdb.RecordOption) (db *aimdb.DB, stop func()) {
		mux := http.NewServeMux()
		db, err := aimdb.New(aimdb.Name("door"), aimdb.HTTP(address, mux))
		if err != nil {
			t.Fatal(err)
		}
		mux.Handle("/console/", console.New(db))
		register[float64](t, db, "a", append(opts, aimdb.Latest(), aimdb.Remote())...).Produce(1)
		return db, begin(t, db)
	}
	const form = `document.querySelector("main form textarea")`
	db, stop := run("127.0.0.1:0")
	address := db.Addresses().HTTP
	b := newTab(t, "http://"+address)
	b.visit(recordPage("a"))
	b.until("that it may not be set", `document.querySelector("main").innerText.includes("May be set") && !`+form)
	for _, c := range []struct {
		what, shown string
		opts        []aimdb.RecordOption
	}{
		{"that it may be set", form, []aimdb.RecordOption{aimdb.Writable()}},
		{"that it may not be set any more", "!" + form, nil},
	} {
		stop()
		b.until("that the connection is lost", lostFor)
		_, stop = run(address, c.opts...)
		b.until("the connection", connected)
		b.until(c.what, c.shown)
	}
}

// A page that is opened without a server shows all once there is one.
func TestFirstAnswerLate(t *testing.T) {
	w := open(t, func(db *aimdb.DB) { add(t, db, "a", aimdb.Latest()) })
	b := newTab(t, w.url)
	b.visit("#/log")
	b.until("the connection", connected)
	for _, c := range [][2]string{{"retention", "Try these limits"}, {"losses", "Read again"}} {
		page, text := c[0], c[1]
		// The page is given a client that fails once, as one does after 30 s without a connection.
		eval[any](b, fmt.Sprintf(`(async () => {
			const page = await import("/console/pages/%s.js"), root = document.createElement("div");
			document.querySelector("main").replaceChildren(root);
			globalThis.away = true;
			const answers = { "retention.list": { policies: [{ pattern: "a", max_rows: 12 }], pruned: [] }, "loss.list": { losses: [], hidden: 0 }, "deadletter.list": { letters: [], hidden: 0 }, stats: { sinks: [] }, "record.list": [] };
			page.mount(root, { db: { call: async (method) => { if (away) throw new Error("the server cannot be reached"); return answers[method]; } }, say() {} });
		})()`, page))
		b.until("the reason", `document.querySelector("main").innerText.includes("the server cannot be reached")`)
		eval[any](b, `away = false, document.dispatchEvent(new Event("reconnected")), null`)
		b.until("the page", fmt.Sprintf(`document.querySelector("main").innerText.includes(%q) && !document.querySelector("main").innerText.includes("cannot be reached")`, text))
	}
	if got := eval[string](b, `document.querySelector("main").innerText`); strings.Count(got, "because this database has no store") != 2 {
		t.Errorf("without a store the losses say %s", got)
	}
}
