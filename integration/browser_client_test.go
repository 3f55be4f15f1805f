package integration

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/coder/websocket"

	"github.com/aimdb-go/aimdb"
)

// settings can be set from outside.
type settings struct {
	Limit float64 `json:"limit"`
	Label string  `json:"label"`
}

// startClientHub starts a hub with records of several kinds.
func startClientHub(t *testing.T, opts ...aimdb.Option) *countingHub {
	t.Helper()
	h := &countingHub{}
	h.hub = openHub(t, t.TempDir(), func(db *aimdb.DB) {
		h.records = append(h.records, mustRegister[numbered](t, db, "n::a", aimdb.Ring(64), aimdb.Persist(), aimdb.Remote(), aimdb.Lossless(aimdb.LogReader)))
		mustRegister[settings](t, db, "settings", aimdb.Latest(), aimdb.Remote(), aimdb.Writable(), aimdb.Initial(settings{1, "first"}))
		mustRegister[numbered](t, db, "secret", aimdb.Latest(), aimdb.Initial(numbered{7}))
	}, append([]aimdb.Option{aimdb.HTTP("127.0.0.1:0", htmlPage("<title>empty</title>"))}, opts...)...)
	return h
}

// checks runs statements in the page that call check(what, got, want), and failing(promise)
// for the message of an error.
func checks(t *testing.T, browser context.Context, statements string) {
	t.Helper()
	wrong := await(t, browser, `import(globalThis.moduleURL ?? "/aimx.js").then(async ({ connect, pause }) => {
		const wrong = [];
		const check = (what, got, want) => want instanceof RegExp && want.test(got) || JSON.stringify(got) === JSON.stringify(want) || wrong.push(what + ": " + JSON.stringify(got) + ", want " + (want instanceof RegExp ? want : JSON.stringify(want)));
		const failing = (promise) => promise.then((v) => "no error but " + JSON.stringify(v), (err) => err.code + ": " + err.message);
		// closing returns the error that a subscription is closed with.
		const closing = (db, pattern, options) => new Promise((resolve) => db.subscribe(pattern, { ...options, onState: (state, err) => state === "closed" && resolve(err ? err.code + ": " + err.message : "no error") }));
		`+statements+`
		return wrong.join("\n");
	})`)
	if wrong != "" {
		t.Errorf("in the page:\n%s", wrong)
	}
}

func TestBrowserCalls(t *testing.T) {
	browser := chromium(t)
	h := startClientHub(t)
	h.write(t, t.Context(), 30)
	goTo(t, browser, "http://"+h.Addresses().HTTP+"/")
	checks(t, browser, `
		const db = connect();
		check("get", await db.get("n::a"), { n: 30 });
		check("set", await db.set("settings", { limit: 2.5, label: "\"ä\u2028<" }), { limit: 2.5, label: "\"ä\u2028<" });
		check("what was set", await db.get("settings"), { limit: 2.5, label: "\"ä\u2028<" });
		check("list", (await db.list("n::*")).map((r) => r.record_key), ["n::a"]);
		check("all records", (await db.list()).length, 3);
		const { rows } = await db.query("n::*", { limit: 2 });
		check("the newest rows", rows.map(({ record, value, time }) => [record, value.n, time > 0]), [["n::a", 29, true], ["n::a", 30, true]]);
		const paged = [];
		const end = new Date();
		for (let cursor = "", pages = 0; pages === 0 || cursor; pages++) {
			const page = await db.query("n::a", { start: 0, end, order: "desc", limit: 12, cursor });
			paged.push(...page.rows.map(({ value }) => value.n));
			cursor = page.next;
		}
		check("pages", paged, Array.from({ length: 30 }, (_, i) => 30 - i));
		const buckets = (await db.query("n::a", { limit: 10, start: 0, bucket: { width: 864e5, path: "n" } })).rows;
		check("buckets", buckets.reduce((sum, { value }) => sum + value.count, 0), 30);
		check("other methods", (await db.call("graph.nodes")).length, 3);
		check("a refused call", await failing(db.get("nothing")), /^not_found: record\.get nothing: there is no record "nothing"/);
		check("a private record", await failing(db.get("secret")), /^internal: record\.get secret: .*register it with Remote/);
		check("a refused set", await failing(db.set("n::a", { n: 1 })), /^denied: record\.set n::a: .*not writable/);
		check("a value that is missing", await failing(db.set("settings")), /^internal: .*a value/);
		const seen = [];
		await new Promise((resolve) => db.subscribe("settings", { onValue(value, { record, live, position }) {
			seen.push([record, value.limit, live, position]);
			if (seen.length === 1) db.set("settings", { limit: 3, label: "" });
			else resolve();
		}}));
		check("a record without history", seen.map(([record, limit]) => [record, limit]), [["settings", 2.5], ["settings", 3]]);
		const pauses = [0, 1, 2, 3, 99].map((n) => [pause(n, () => 0), pause(n, () => 1)]);
		check("pauses", pauses, [[500, 1000], [500, 2000], [500, 4000], [500, 8000], [500, 8000]]);
		const late = failing(db.get("n::a"));
		db.close();
		check("a call when it is closed", await late, /^closed: /);
		check("a call after it is closed", await failing(db.get("n::a")), /^closed: call: this page has closed the client/);
		check("a subscription after it is closed", await closing(db, "n::a"), /^closed: /);
	`)
}

func TestBrowserSubscriptionsEnd(t *testing.T) {
	browser := chromium(t)
	h := startClientHub(t)
	h.write(t, t.Context(), 3)
	goTo(t, browser, "http://"+h.Addresses().HTTP+"/")
	checks(t, browser, `
		const db = connect();
		check("a record without history", await closing(db, "settings", { from: 0 }), /^internal: subscribe settings: record "settings" does not persist.*subscribe without from/);
		check("a record that is unknown", await closing(db, "nothing", { from: 0 }), /^not_found: subscribe nothing: there is no record/);
		check("a private record", await closing(db, "secret", { from: 0 }), /^internal: .*register it with Remote/);
		check("a position that is none", await closing(db, "n::a", { from: "somewhere" }), /^internal: .*no position/);
		check("an empty one", await closing(db, "n::a", { from: "" }), /^internal: .*no position/);
		for (const from of [NaN, new Date("soon"), {}]) {
			let message = "no error";
			try { db.subscribe("n::a", { from }); } catch (err) { message = err.message; }
			check("from " + from, message, /^subscribe n::a: from is .*; give a time or a position$/);
		}
		const aborted = new AbortController();
		aborted.abort();
		check("one that is aborted before", await closing(db, "n::a", { signal: aborted.signal }), "no error");

		// The position of a value is where another subscription continues.
		const values = await new Promise((resolve) => {
			const all = [], sub = db.subscribe("n::a", { from: new Date(0), onValue(value, { position }) {
				all.push([value.n, position]);
				if (value.n === 2) { sub.close(); sub.close(); setTimeout(() => resolve(all), 100); }
			}});
		});
		check("one that is closed in a handler gets no more", values.map(([n]) => n), [1, 2]);
		check("after a position", await new Promise((resolve) => {
			const sub = db.subscribe("n::a", { from: values[0][1], onValue(value, { live }) { sub.close(); resolve([value.n, live]) } });
		}), [2, false]);
		const abort = new AbortController();
		const states = await new Promise((resolve) => {
			const all = [];
			db.subscribe("n::a", { from: 0, signal: abort.signal, onCaughtUp() { abort.abort() }, onState(state, err) {
				all.push(state);
				if (state === "closed") resolve(all);
			}});
		});
		check("one that is aborted", states, ["open", "closed"]);

		// What a handler throws, and an error that nobody handles, are reported, and end nothing.
		const reported = [];
		const report = (event) => { reported.push(event.message); event.preventDefault(); };
		addEventListener("error", report);
		const got = await new Promise((resolve) => {
			const all = [];
			db.subscribe("n::a", { from: 0, onValue(value) { all.push(value.n); throw new Error("of the handler") }, onCaughtUp() { resolve(all) } });
		});
		check("a handler that throws gets all", got, [1, 2, 3]);
		db.subscribe("nothing", { from: 0 });
		await db.get("n::a");
		removeEventListener("error", report);
		check("errors that were reported", reported.map((m) => m.replace(/^Uncaught /, "")), [...Array(3).fill("Error: of the handler"), 'AimxError: subscribe nothing: there is no record "nothing"']);
	`)
}

func TestBrowserTokens(t *testing.T) {
	browser := chromium(t)
	h := startClientHub(t, aimdb.Tokens(aimdb.Token{Token: "of a reader", Read: []string{"n::*"}}))
	h.write(t, t.Context(), 3)
	goTo(t, browser, "http://"+h.Addresses().HTTP+"/")
	checks(t, browser, `
		const reader = connect({ token: "of a reader" });
		check("a token", await reader.get("n::a"), { n: 3 });
		check("what it does not grant", await failing(reader.get("settings")), /^denied: record\.get settings: the token .* does not grant/);
		check("a subscription that it does not grant", await closing(reader, "#"), /^denied: subscribe #: the token .* narrower pattern/);
		const stranger = connect({ token: "wrong" });
		const call = failing(stranger.get("n::a"));
		check("a wrong token ends subscriptions", await closing(stranger, "n::*", { from: 0 }), /^denied: connect to 127\.0\.0\.1:\d+: the token is unknown; ask/);
		check("and calls", await call, /^denied: connect to .* the token is unknown/);
		check("for good", await failing(stranger.get("n::a")), /^denied: .*unknown/);
		check("no token", await failing(connect().get("n::a")), /^denied: record\.get n::a: .*present one/);
		check("no token for a subscription", await closing(connect(), "n::a"), /^denied: subscribe n::a: .*present one/);
	`)
}

// A page of another host imports the module and connects if it is in Origins. Otherwise it
// learns why not.
func TestBrowserOrigins(t *testing.T) {
	browser := chromium(t, chromedp.Flag("host-resolver-rules", "MAP *.test 127.0.0.1"))
	page := httptest.NewServer(htmlPage("<title>elsewhere</title>"))
	defer page.Close()
	_, port, _ := strings.Cut(strings.TrimPrefix(page.URL, "http://"), ":")
	closed, open := startClientHub(t), startClientHub(t, aimdb.Origins("page.test:*"))
	for _, h := range []*countingHub{closed, open} {
		h.write(t, t.Context(), 3)
	}
	goTo(t, browser, "http://page.test:"+port+"/")
	imported := await(t, browser, fmt.Sprintf(`import("http://%s/aimx.js").then(() => "imported", (err) => err.name)`, closed.Addresses().HTTP))
	if imported != "TypeError" {
		t.Errorf("from a server that does not admit this page, the module is %s", imported)
	}
	read[bool](t, browser, fmt.Sprintf(`(() => { globalThis.moduleURL = "http://%s/aimx.js"; return true })()`, open.Addresses().HTTP))
	checks(t, browser, `
		check("the server of the module is the default", await connect().get("n::a"), { n: 3 });`)
	checks(t, browser, fmt.Sprintf(`
		check("the other server", await new Promise((resolve) => {
			connect({ url: "ws://%s/ws" }).subscribe("n::a", { onState: (state, err) => err && resolve(state + " " + err.code + ": " + err.message) });
		}), /^lost denied: connect to .*: the server runs and refuses the WebSocket; add page\.test:\d+ to its Origins/);`, closed.Addresses().HTTP))
}

// Without a server, a page waits between two attempts, whatever it asks for meanwhile, and
// what it asked for is answered when the server is there.
func TestBrowserWaitsBetweenAttempts(t *testing.T) {
	browser := chromium(t)
	module := startClientHub(t)
	address := freeAddress(t)
	goTo(t, browser, "http://"+module.Addresses().HTTP+"/")
	await(t, browser, fmt.Sprintf(`import("/aimx.js").then(async ({ connect }) => {
		const a = globalThis.attempts = { dials: [], answers: 0, losses: [], errors: [] };
		globalThis.WebSocket = class extends WebSocket {
			constructor(url) { super(url); a.dials.push(performance.now()); }
		};
		const db = connect({ url: "http://%s/ws" });
		db.subscribe("n::a", { onLoss: (loss) => a.losses.push(loss), onState: (state, err) => err && a.errors.push(err.message) });
		for (const start = performance.now(); a.dials.length < 4 && performance.now() - start < 20_000;) {
			db.get("settings").then(() => a.answers++, () => {}); // each has 30 s
			await new Promise((resolve) => setTimeout(resolve, 50));
		}
		return "";
	})`, address))
	gaps := read[[]float64](t, browser, `attempts.dials.slice(1).map((at, i) => at - attempts.dials[i])`)
	if len(gaps) < 3 {
		t.Errorf("the page tried %d times within 20 s", len(gaps)+1)
	}
	for i, gap := range gaps {
		if gap < 490 {
			t.Errorf("between attempts %d and %d are %.0f ms, want 500 or more", i+1, i+2, gap)
		}
	}
	startClientHub(t, aimdb.HTTP(address, nil))
	until(t, browser, "answers", `attempts.answers > 2`)
	if got := read[string](t, browser, `JSON.stringify([attempts.losses, attempts.errors])`); got != "[[],[]]" {
		t.Errorf("losses and errors of a page that had no connection before: %s", got)
	}
}

// A call that is not answered because the connection is lost is made again, but not one
// that sets a value.
func TestBrowserCallsOverACut(t *testing.T) {
	browser := chromium(t)
	var asked atomic.Int64
	var methods sync.Map
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		socket, err := websocket.Accept(w, r, &websocket.AcceptOptions{OriginPatterns: []string{"*"}})
		if err != nil {
			t.Error(err)
			return
		}
		defer func() { _ = socket.CloseNow() }()
		for {
			_, text, err := socket.Read(r.Context())
			if err != nil {
				return
			}
			if asked.Add(1) <= 2 { // both calls of the first connection
				if asked.Load() == 2 {
					return
				}
				continue
			}
			frame := decoded[struct {
				ID     int
				Method string
			}](t, text)
			methods.Store(frame.Method, true)
			if err := socket.Write(r.Context(), websocket.MessageText, fmt.Appendf(nil, `{"t":"reply","id":%d,"ok":7}`, frame.ID)); err != nil {
				return
			}
		}
	}))
	defer server.Close()
	goTo(t, browser, "http://"+startClientHub(t).Addresses().HTTP+"/")
	checks(t, browser, fmt.Sprintf(`
		const db = connect({ url: %q });
		const get = db.get("a");
		check("a call that sets", await failing(db.set("a", 1)), /^lost: record\.set a: .*get the record/);
		check("a call that reads", await get, 7);`, server.URL))
	if _, set := methods.Load("record.set"); set {
		t.Error("the value was set again")
	}
}

// A server that answers nonsense ends neither the page nor the subscription.
func TestBrowserSurvivesWrongAnswers(t *testing.T) {
	browser := chromium(t)
	frames := []string{
		``, `nonsense`, `null`, `[]`, `"event"`, `7`, `{}`, `{"t":"event"}`, `{"t":"event","sub":7}`, `{"t":"reply"}`, `{"t":"reply","id":null}`,
		`{"t":"event","sub":"999","seq":1,"data":1}`, `{"t":"reply","id":999,"ok":1}`, `{"t":"unknown","sub":"1"}`, `{"t":"subscribed"}`,
		`{"t":"event","sub":"1","data":"without a number"}`, `{"t":"event","sub":"1","seq":"x","data":"with a wrong number"}`,
		`{"t":"subscribed","sub":"1"}`, `{"t":"event","sub":"1","seq":1,"topic":"a","data":"right"}`, `{"t":"event","sub":"1","seq":4,"data":"last"}`,
	}
	module := startClientHub(t)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		socket, err := websocket.Accept(w, r, &websocket.AcceptOptions{OriginPatterns: []string{"*"}})
		if err != nil {
			t.Error(err)
			return
		}
		defer func() { _ = socket.CloseNow() }()
		for { // until the page is gone
			_, text, err := socket.Read(r.Context())
			if err != nil {
				return
			}
			asked := decoded[struct {
				ID   int
				From *int
			}](t, text)
			answers := []string{`{"t":"subscribed","sub":"1"}`}
			if asked.From == nil {
				answers = frames
			}
			for _, frame := range answers {
				frame = strings.ReplaceAll(frame, `"sub":"1"`, fmt.Sprintf(`"sub":"%d"`, asked.ID))
				if err := socket.Write(r.Context(), websocket.MessageText, []byte(frame)); err != nil {
					return
				}
			}
		}
	}))
	defer server.Close()
	goTo(t, browser, "http://"+module.Addresses().HTTP+"/")
	checks(t, browser, fmt.Sprintf(`
		const errors = [];
		addEventListener("error", (event) => errors.push(event.message));
		const url = %q;
		const seen = [];
		await new Promise((resolve) => {
			const db = connect({ url });
			db.subscribe("a", {
				onLoss({ count, record }) { seen.push([count, record]) },
				onValue(value) { seen.push(value); if (value === "last") { db.close(); resolve(); } },
			});
		});
		check("what is right arrives", seen, ["right", [2, "a"], "last"]);
		check("a server of upstream cannot begin in the past", await closing(connect({ url }), "a", { from: 0 }), /^not_found: .*subscribe without from/);
		check("errors", errors, []);
	`, server.URL))
}
