package hub

import (
	"context"
	"testing"

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
	t.Parallel()
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
	t.Parallel()
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
