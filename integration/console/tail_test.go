package console

import (
	"fmt"
	"testing"

	"github.com/aimdb-go/aimdb"
)

// numbers are the values that the tail shows, the oldest first.
const numbers = `[...document.querySelectorAll(".grid-row:not([hidden])")].sort((a, b) => b.ariaRowIndex - a.ariaRowIndex).map((r) => r.querySelector(".c-value").textContent)`

// The tail goes on without a gap after a pause and after a cut.
func TestTail(t *testing.T) {
	var r, memory *aimdb.Untyped
	w := open(t, func(db *aimdb.DB) {
		r = add(t, db, "n::a", aimdb.Ring(4096), aimdb.Persist())
		memory = add(t, db, "n::memory", aimdb.Latest())
	})
	b := newTab(t, w.url)
	n := 0
	more := func() {
		t.Helper()
		n++
		set(t, r, n)
	}
	shows := func(what string) {
		t.Helper()
		want := ""
		for i := range n {
			want += fmt.Sprintf(",%d", i+1)
		}
		b.until(what, fmt.Sprintf(`%s.join() === %q`, numbers, want[1:]))
	}
	b.visit("#/tail?pattern=n::*")
	b.until("that it is live", `document.querySelector(".tail-state")?.textContent?.startsWith("Live")`)
	more()
	more()
	shows("what is written")

	button := func(name string) {
		t.Helper()
		eval[any](b, fmt.Sprintf(`[...document.querySelectorAll("button")].find((b) => b.textContent === %q).click()`, name))
	}
	button("Pause")
	b.until("the pause", `document.querySelector(".tail-state")?.textContent?.startsWith("Paused")`)
	more()
	more()
	if got := eval[int](b, numbers+`.length`); got != 2 {
		t.Errorf("%d values are shown in a pause, want 2", got)
	}
	button("Go on")
	shows("what was written in the pause")

	w.wire.cut()
	b.until("that the connection is lost", `document.querySelector(".tail-state")?.textContent?.startsWith("Connection lost") && document.getElementById("health").textContent.includes("old")`)
	more()
	more()
	w.wire.mend()
	shows("what was written without a connection")
	b.until("the state", `document.getElementById("health").dataset.state === "ok" && document.body.dataset.connection === "open"`)

	for range 1500 {
		more()
	}
	b.until("all counted, and few drawn", fmt.Sprintf(`document.querySelector(".end")?.textContent === "1,506 values" && document.querySelector(".grid-row .c-value") && %s < 60 && document.querySelector("[role=table]")?.getAttribute("aria-rowcount") === "1001"`, rowCount))

	eval[any](b, `(() => { const s = document.querySelector("select"); s.value = "live"; s.dispatchEvent(new Event("change")); })()`)
	b.until("that it is live", `document.querySelector(".tail-state")?.textContent?.startsWith("Live")`)
	set(t, memory, "not stored")
	b.until("a value that is not stored", numbers+`.join() === '"not stored"'`)
}
