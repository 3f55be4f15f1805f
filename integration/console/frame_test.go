package console

import (
	"fmt"
	"testing"
	"time"

	"github.com/chromedp/chromedp/kb"

	"github.com/aimdb-go/aimdb"
)

// A tab has one connection however often it loads the console.
func TestReload(t *testing.T) {
	w := open(t, func(db *aimdb.DB) { add(t, db, "a", aimdb.Latest()) })
	b := newTab(t, w.url)
	for range 5 {
		b.visit("#/log")
		b.until("the connection", `document.body.dataset.connection === "open"`)
	}
	b.until("one client", `fetch("/health").then((r) => r.json()).then((h) => h.clients === 1)`)
	// A page that comes back from the cache of the browser connects again.
	eval[any](b, `dispatchEvent(new PageTransitionEvent("pagehide", { persisted: true }))`)
	b.until("no client", `fetch("/health").then((r) => r.json()).then((h) => h.clients === 0)`)
	eval[any](b, `dispatchEvent(new PageTransitionEvent("pageshow", { persisted: true }))`)
	b.until("one client again", `document.body.dataset.connection === "open" && fetch("/health").then((r) => r.json()).then((h) => h.clients === 1)`)
}

// walked is what has the focus: its name, and whether one sees that it has it.
const walked = `(() => {
	const e = document.activeElement;
	if (e === document.body) return "";
	const name = e.getAttribute("aria-label") || e.labels?.[0]?.textContent || e.textContent || e.title;
	const box = e.getBoundingClientRect(), style = getComputedStyle(e);
	const seen = box.width > 0 && box.right > 0 && box.top < innerHeight && box.bottom > 0 && style.outlineStyle !== "none" && parseFloat(style.outlineWidth) > 0;
	return (name.trim() || "without a name: " + e.outerHTML.slice(0, 100)) + (seen ? "" : " (not seen)");
})()`

// The Tab key reaches all of a page in the order of reading, each with a name and a mark.
func TestTabKey(t *testing.T) {
	w := open(t, func(db *aimdb.DB) { add(t, db, "temp::a", aimdb.Ring(8), aimdb.Persist()) },
		aimdb.Retain("temp::*", aimdb.Retention{MaxRows: 10}))
	b := newTab(t, w.url)
	b.visit("#/retention")
	b.until("the policy", `document.querySelector(".limits input")?.value === "temp::*"`)
	want := []string{"Skip to the content", "AimDB", "Records", "Live tail", "Stages", "Log and sinks", "Losses", "Retention", "Disk",
		"Policies", "Pattern", "Age", "Rows", "Bytes", "For ever", "Remove", "Whole history", "Add a policy", "Try these limits", "Try the limits in force"}
	for _, name := range want {
		b.press(kb.Tab)
		if got := eval[string](b, walked); got != name {
			t.Errorf("Tab goes to %q, want %q", got, name)
		}
	}
	b.press(kb.Enter)
	b.until("the answer of the button", `document.querySelector("main").innerText.includes("It would delete nothing")`)
	b.press(kb.Tab)
	if got := eval[string](b, walked); got != "" {
		t.Errorf("after the last control Tab goes to %q", got)
	}
}

// The tail says what is missing, in its place among the values.
func TestTailLosses(t *testing.T) {
	w := open(t, func(db *aimdb.DB) { add(t, db, "a", aimdb.Latest()) })
	b := newTab(t, w.url)
	b.visit("#/log")
	// The page is given a client that has lost values, which no test can make a real one do.
	eval[any](b, `(async () => {
		const [page, format] = await Promise.all([import("/console/pages/tail.js"), import("/console/lib/format.js")]);
		const root = document.createElement("div");
		root.className = "page page-tail";
		document.querySelector("main").replaceChildren(root);
		const subscribe = (pattern, options) => {
			globalThis.tail = options;
			return { close() {} };
		};
		page.mount(root, { db: { subscribe }, format, params: { from: "hour" }, say() {}, info: {} });
	})()`)
	b.until("the subscription", `globalThis.tail`)
	now := time.Now().UnixMilli()
	eval[any](b, fmt.Sprintf(`[
		tail.onValue(1, { record: "a", time: %[1]d, position: "p1", live: true }),
		tail.onLoss({ record: "a", count: 1 }),
		tail.onLoss({ record: "a", count: 1234, reason: "<b>log_discarded</b>" }),
		tail.onLoss({ range: [1, 2] }),
		tail.onLoss({}),
		tail.onValue(2, { record: "a", time: %[1]d, position: "p2", live: true }),
	], null`, now))
	want := `1|1 value of this record is missing here|1,234 values of this record are missing here: <b>log_discarded</b>|A range of values is in neither log nor history|Values are missing, or come again|2`
	b.until("the losses between the values", fmt.Sprintf(`%s.join("|") === %q`, numbers, want))
	b.until("their sum", `document.querySelector(".end")?.textContent === "2 values, 1,235 missing"`)
	if n := eval[int](b, `document.querySelectorAll(".c-value.warn").length`); n != 4 {
		t.Errorf("%d lines are marked, want 4", n)
	}
}
