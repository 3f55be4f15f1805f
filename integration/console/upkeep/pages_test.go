package upkeep

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aimdb-go/aimdb"
)

// pages has what each page must show of a house that is filled.
func pages() map[string][]string {
	return map[string][]string{
		"graph":     {"temp.mean", "temp.attic, temp.cellar", "join", "2 of 7 records are made from no other one"},
		"log":       {"takes values", "sqlite", "Into the log"},
		"losses":    {"sink_refused", "Dead letters", markup[:20], "the limit is 200"},
		"retention": {"temp.*", "the rows stored first go first", "Try these limits"},
		"disk":      {"Values in the history", "power.meter", "Log", "Write-ahead log"},
	}
}

// TestPages has one browser for all of its parts.
func TestPages(t *testing.T) {
	browser := chromium(t)
	t.Run("filled", func(t *testing.T) { testFilled(t, browser) })
	t.Run("large", func(t *testing.T) { testLarge(t, browser) })
	t.Run("empty", func(t *testing.T) { testEmpty(t, browser) })
	t.Run("grants", func(t *testing.T) { testGrants(t, browser) })
}

// testFilled looks at each page of one house.
func testFilled(t *testing.T, browser context.Context) {
	axe, err := os.ReadFile(filepath.Join("..", "testdata", "axe.min.js"))
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	h, closing := open(t, dir, 200)
	h.furnish(t)
	stop := h.run(t)
	h.fill(t)
	for name, texts := range pages() {
		t.Run(name, func(t *testing.T) { testPage(t, browser, h, name, texts, string(axe)) })
	}
	stop()
	closing()

	h, closing = open(t, dir, 10_000) // it takes what the other one refused
	defer closing()
	h.furnish(t)
	defer h.run(t)()
	t.Run("retry", func(t *testing.T) { testRetry(t, browser, h) })
	t.Run("dry run", func(t *testing.T) { testDryRun(t, browser, h) })
	t.Run("keys", func(t *testing.T) { testKeys(t, browser, h) })
}

// testPage looks at one page, wide and light, and then dark on a phone.
func testPage(t *testing.T, browser context.Context, h *house, name string, texts []string, axe string) {
	for _, c := range []struct {
		width  int64
		scheme string
	}{{1280, "light"}, {360, "dark"}} {
		look(t, browser, c.width, c.scheme)
		if c.width == 1280 {
			goTo(t, browser, h.page(name))
		}
		for _, text := range texts {
			has(t, browser, text)
		}
		if wide := read[int](t, browser, "document.documentElement.scrollWidth - document.documentElement.clientWidth"); wide > 0 {
			t.Errorf("at %d the page is %d pixels too wide", c.width, wide)
		}
		if found := serious(t, browser, axe); len(found) > 0 {
			t.Errorf("axe-core finds at %d, %s: %s", c.width, c.scheme, strings.Join(found, "\n"))
		}
		shoot(t, browser, name+"-"+c.scheme)
	}
	if read[bool](t, browser, "Boolean(document.body.dataset.run)") {
		t.Error("markup in a value or a key was run")
	}
}

// serious returns what axe-core finds that is serious or critical.
func serious(t *testing.T, browser context.Context, axe string) []string {
	t.Helper()
	read[bool](t, browser, axe+"; true")
	read[bool](t, browser, `globalThis.found = undefined; axe.run().then((r) => { globalThis.found = r.violations.filter((v) => v.impact === "serious" || v.impact === "critical").map((v) => v.id + ": " + v.nodes.slice(0, 3).map((n) => n.html.slice(0, 150) + " " + n.failureSummary).join("; ")) }, (e) => { globalThis.found = [String(e)] }); true`)
	until(t, browser, "the findings of axe-core", "globalThis.found")
	return read[[]string](t, browser, "globalThis.found")
}

func click(t *testing.T, browser context.Context, text string) {
	t.Helper()
	find := `[...document.querySelectorAll("main button, dialog[open] button")].find((b) => b.textContent.startsWith(` + quoted(text) + `) && !b.disabled && (!document.querySelector("dialog[open]") || b.closest("dialog")))`
	until(t, browser, "a button "+text, find)
	read[bool](t, browser, find+".click(), true")
}

// testRetry stores the dead letters, and asks before.
func testRetry(t *testing.T, browser context.Context, h *house) {
	look(t, browser, 1280, "light")
	goTo(t, browser, h.page("losses"))
	has(t, browser, markup[:20])
	click(t, browser, "Choose all shown")
	click(t, browser, "Retry 2")
	until(t, browser, "a question", `document.querySelector("dialog[open]")?.innerText.includes("Store 2 dead letters")`)
	shoot(t, browser, "losses-question")
	click(t, browser, "Cancel")
	has(t, browser, markup[:20])
	click(t, browser, "Retry 2")
	click(t, browser, "Store 2")
	has(t, browser, "2 stored.")
	has(t, browser, "No dead letters")
	has(t, browser, "Nothing is lost.")
	if s := must(h.db.Stats(t.Context()))(t); s.History.DeadLetters != 0 || s.History.Lost != 0 {
		t.Errorf("the history has %d dead letters and %d losses", s.History.DeadLetters, s.History.Lost)
	}
}

// testLarge stores a dead letter of 1 MB.
func testLarge(t *testing.T, browser context.Context) {
	dir := t.TempDir()
	h, closing := open(t, dir, 200)
	h.furnish(t)
	stop := h.run(t)
	large := strings.Repeat("0123456789", 100_000)
	if err := h.log.Send(t.Context(), large); err != nil {
		t.Fatal(err)
	}
	if err := h.db.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	stop()
	closing()
	h, closing = open(t, dir, 2<<20)
	defer closing()
	h.furnish(t)
	defer h.run(t)()
	look(t, browser, 360, "light")
	goTo(t, browser, h.page("losses"))
	has(t, browser, "977 KiB")
	click(t, browser, "Choose all shown")
	click(t, browser, "Retry 1")
	click(t, browser, "Store 1")
	has(t, browser, "1 stored.")
	has(t, browser, "No dead letters")
	if s := must(h.db.Stats(t.Context()))(t); s.History.DeadLetters != 0 || s.History.Lost != 0 || s.History.Bytes < int64(len(large)) {
		t.Errorf("the history has %d dead letters, %d losses and %d bytes", s.History.DeadLetters, s.History.Lost, s.History.Bytes)
	}
}

// testDryRun tries limits, and nothing is deleted.
func testDryRun(t *testing.T, browser context.Context, h *house) {
	goTo(t, browser, h.page("retention"))
	has(t, browser, "Deleted on purpose")
	until(t, browser, "the policy in force", `document.querySelector(".limits input")?.value === "temp.*"`)
	read[bool](t, browser, `(() => { const [p, age, rows] = document.querySelectorAll(".limits input"); rows.value = "10"; return true })()`)
	click(t, browser, "Try these limits")
	has(t, browser, "It would delete 270 rows")
	shoot(t, browser, "retention-result")
	read[bool](t, browser, `document.querySelectorAll(".limits input")[1].value = "7 weeks", true`)
	click(t, browser, "Try these limits")
	has(t, browser, "is not a number with a unit")
	if s := must(h.db.Stats(t.Context()))(t); s.History.Rows != 300+150+3 {
		t.Errorf("the history has %d rows", s.History.Rows)
	}
}

// testKeys goes through the graph by keyboard.
func testKeys(t *testing.T, browser context.Context, h *house) {
	goTo(t, browser, h.page("graph"))
	until(t, browser, "the drawing", `document.querySelector(".node")`)
	steps := `(() => { const at = []; const press = (key) => { document.activeElement.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true })); at.push(document.activeElement.getAttribute("href")) };
		document.querySelector('.node[href="#/record/temp.attic"]').focus(); press("ArrowRight"); press("ArrowRight"); press("ArrowLeft"); return at.join(" ") })()`
	if got := read[string](t, browser, steps); !strings.HasPrefix(got, "#/record/temp.mean #/record/") || !strings.HasSuffix(got, " #/record/temp.mean") {
		t.Errorf("the arrow keys went to %s", got)
	}
}

// testEmpty looks at a database without a record.
func testEmpty(t *testing.T, browser context.Context) {
	look(t, browser, 1280, "light")
	h, closing := open(t, t.TempDir(), 200)
	stop := h.run(t)
	for name, text := range map[string]string{
		"graph": "no records yet", "log": "takes values", "losses": "Nothing is lost", "retention": "deleted nothing", "disk": "has no rows yet",
	} {
		goTo(t, browser, h.page(name))
		has(t, browser, text)
		shoot(t, browser, name+"-empty")
	}
	stop()
	closing()
}

// testGrants looks with no token, with one that grants little, and at a server that goes away.
func testGrants(t *testing.T, browser context.Context) {
	h, closing := open(t, t.TempDir(), 200, aimdb.Tokens(aimdb.Token{Token: allToken, Read: []string{"#"}, Write: []string{"#"}}, aimdb.Token{Token: tempToken, Read: []string{"temp.*"}}))
	h.furnish(t)
	stop := h.run(t)
	h.fill(t)
	goTo(t, browser, h.page("log"))
	until(t, browser, "the question for a token", `document.querySelector("#ask[open]")`)
	read[bool](t, browser, `sessionStorage.setItem("aimdb.console.token", `+quoted(tempToken)+`), true`)
	for name, text := range map[string]string{
		"graph": "temp.mean", "log": "takes values", "losses": "are of records that this token may not read", "retention": "does not grant reading all records", "disk": "other records have",
	} {
		goTo(t, browser, h.page(name))
		has(t, browser, text)
		if read[bool](t, browser, `document.querySelector("main").innerText.includes("power.meter")`) {
			t.Errorf("%s shows a record that is not granted", name)
		}
	}
	goTo(t, browser, h.page("retention"))
	has(t, browser, "does not grant reading all records")
	if read[bool](t, browser, `document.querySelector("main").innerText.includes("Try these limits")`) {
		t.Error("retention offers a dry run to a token that may not try one")
	}
	read[bool](t, browser, `sessionStorage.setItem("aimdb.console.token", `+quoted(allToken)+`), true`)
	goTo(t, browser, h.page("disk"))
	has(t, browser, "power.meter")
	h.web.CloseClientConnections()
	stop()
	closing()
	until(t, browser, "that it is lost", `document.querySelector("#health").dataset.state === "lost"`)
	has(t, browser, "power.meter")
	has(t, browser, "This is not current")
	shoot(t, browser, "disk-lost")
}
