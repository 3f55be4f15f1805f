package console

import (
	"fmt"
	"net/http"
	"net/url"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/browser"
	"github.com/chromedp/chromedp"

	"github.com/aimdb-go/aimdb"
)

const filled = `document.querySelector(".uplot") && document.querySelector(".scroll tbody tr") && document.querySelector(".facts dd")`

func recordPage(key string) string { return "#/record/" + url.PathEscape(key) }

func TestRecord(t *testing.T) {
	w := plant(t)
	b := newTab(t, w.url)

	// A drag in the chart zooms, the buttons do it from the keyboard, a member is chosen.
	b.visit(recordPage("weather::outdoor"))
	b.until("chart, rows and facts", filled)
	b.until("the summary", `document.querySelector(".summary")?.textContent?.startsWith("celsius: 7")`)
	span := func() float64 {
		t.Helper()
		return eval[float64](b, `(() => { const p = new URLSearchParams(new URL(document.querySelector("a[download]").href).search); return p.get("end") - p.get("start"); })()`)
	}
	if s := span(); s != 3_600_000 {
		t.Errorf("the first span is %.0f ms, want an hour", s)
	}
	at := eval[[]float64](b, `(() => { const r = document.querySelector(".u-over").getBoundingClientRect(); return [r.left, r.top + r.height / 2, r.width]; })()`)
	b.do(chromedp.MouseEvent("mouseMoved", at[0]+at[2]/2, at[1]))
	b.until("what the pointer is on", `/2\d\d\d-\d\d-\d\d.*Mean-?\d/.test(document.querySelector(".u-legend").textContent)`)
	b.do(chromedp.DragAndDropXY(at[0]+at[2]/4, at[1], at[0]+at[2]/2, at[1], 5))
	b.until("a zoom", `[...document.querySelectorAll('[aria-label="Span of time"] button')].every((b) => b.getAttribute("aria-pressed") === "false")`)
	b.until("a quarter of the numbers", `/celsius: 1[78]\d numbers/.test(document.querySelector(".summary")?.textContent)`)
	if s := span(); s < 800_000 || s > 1_000_000 {
		t.Errorf("after the drag the span is %.0f ms, want a quarter of an hour", s)
	}
	eval[any](b, `document.querySelector('[aria-label="Zoom out"]').focus()`)
	b.press("\r")
	b.until("half an hour", `/celsius: 3[56]\d numbers/.test(document.querySelector(".summary")?.textContent)`)
	eval[any](b, `(() => { const s = [...document.querySelectorAll("select")].at(-1); s.value = "gust"; s.dispatchEvent(new Event("change")); })()`)
	b.until("the other member", `document.querySelector(".summary")?.textContent?.startsWith("gust: 3")`)

	// The rows go on with a button, and the links export the span.
	eval[any](b, `[...document.querySelectorAll("button")].find((b) => b.textContent === "Older values").click()`)
	b.until("200 rows", `document.querySelectorAll(".scroll tbody tr").length >= 200`)
	for i, first := range []string{"record,", `{"record":"weather::outdoor"`} {
		res, err := http.Get(eval[string](b, fmt.Sprintf(`document.querySelectorAll("a[download]")[%d].href`, i)))
		if err != nil {
			t.Fatal(err)
		}
		head := make([]byte, len(first))
		if _, err := res.Body.Read(head); err != nil || res.StatusCode != 200 || string(head) != first {
			t.Errorf("the export answers %d with %q, %v; want %q", res.StatusCode, head, err, first)
		}
		if err := res.Body.Close(); err != nil {
			t.Error(err)
		}
	}
}

// The address of a record can have the span of a button, and a button puts it there.
func TestSpanInAddress(t *testing.T) {
	w := plant(t)
	b := newTab(t, w.url)
	b.visit(recordPage("weather::outdoor") + "?span=6h")
	pressed := func(label string) string {
		return fmt.Sprintf(`document.querySelector('[aria-label="Span of time"] [aria-pressed="true"]')?.textContent === %q`, label)
	}
	b.until("six hours", pressed("6 h")+" && "+filled)
	for label, name := range map[string]string{"5 min": "5m", "1 h": "1h", "All": "all"} {
		eval[any](b, fmt.Sprintf(`[...document.querySelectorAll('[aria-label="Span of time"] button')].find((b) => b.textContent === %q).click()`, label))
		b.until(label, pressed(label)+fmt.Sprintf(` && location.hash === "#/record/weather%%3A%%3Aoutdoor?span=%s"`, name))
	}
	eval[any](b, `document.querySelector('[aria-label="Zoom in"]').click()`)
	b.until("a fixed span, which the address does not have", `location.hash === "#/record/weather%3A%3Aoutdoor"`)
	b.visit(recordPage("weather::outdoor") + "?span=nonsense")
	b.until("the span of a page that is not told one", pressed("1 h")+" && "+filled)
}

// What a page may meet: HTML, 1 MB, another type, times to come, no history.
func TestOddRecords(t *testing.T) {
	w := plant(t)
	b := newTab(t, w.url)
	for _, c := range []struct{ name, key, expression string }{
		{"HTML is text", htmlKey, fmt.Sprintf(`document.querySelector("h1")?.textContent === %q && document.querySelector(".newest pre")?.textContent?.includes("<script>") && document.querySelector("td.value")?.textContent?.includes("<b id=injected>") && !document.getElementById("injected")`, htmlKey)},
		{"a large value is cut", "large", `document.querySelector(".newest pre")?.textContent.length < 5000 && document.querySelector(".json button")?.textContent === "Show all (977 KiB)" && document.querySelector("td.value")?.textContent.length < 400`},
		{"a record changes its type", "mixed", `/the value: 3 numbers.* 5 values have no number there/.test(document.querySelector(".summary")?.textContent) && [...document.querySelectorAll("option")].some((o) => o.textContent === "a.b") && document.querySelectorAll(".scroll tbody tr").length === 8`},
		{"no history", "settings", `[...document.querySelectorAll(".state")].some((s) => s.textContent.includes("not stored")) && document.querySelector("textarea")`},
		{"no value", "silent", `document.querySelector(".newest pre")?.textContent === "It has no value yet."`},
		{"no record", "absent", `document.querySelector(".newest pre")?.textContent === "No record has this key." && document.querySelector(".facts")?.textContent?.includes("not registered")`},
	} {
		b.visit(recordPage(c.key))
		b.until(c.name, c.expression)
		if c.key == "large" {
			eval[any](b, `document.querySelector(".json button").click()`)
			b.until("all of it", `document.querySelector(".newest pre")?.textContent.length > 1_000_000 && document.querySelector(".json button")?.textContent === "Show less"`)
		}
	}
	b.visit("#/records")
	b.until("HTML as text", fmt.Sprintf(`[...document.querySelectorAll(".grid-row a")].some((a) => a.textContent === %q)`, htmlKey))
	b.visit("#/tail?from=hour&pattern=html::*")
	b.until("HTML as text", `document.querySelector(".grid-row .c-value")?.textContent?.includes("<script>")`)
	if eval[bool](b, `Boolean(document.getElementById("injected") || document.querySelector("main svg"))`) {
		t.Error("a value became an element")
	}
}

// Times to come are shown under All, and marked.
func TestTimesToCome(t *testing.T) {
	var r *aimdb.Record[stamped]
	w := open(t, func(db *aimdb.DB) {
		var err error
		if r, err = aimdb.Register[stamped](db, "ahead", aimdb.Ring(64), aimdb.Persist(), aimdb.Remote(), aimdb.EventTime(func(s stamped) time.Time { return s.At })); err != nil {
			t.Fatal(err)
		}
	})
	for i := range 10 {
		r.Produce(stamped{At: time.Now().Add(time.Duration(i-4) * time.Hour), Celsius: float64(i)})
	}
	b := newTab(t, w.url)
	b.visit(recordPage("ahead"))
	b.until("all of them", `document.querySelector(".summary")?.textContent?.startsWith("celsius: 10 numbers")`)
	b.until("marks of those to come", `document.querySelectorAll("td .warn").length === 5 && document.querySelector('[aria-pressed="true"]').textContent === "All"`)
}

// With a token or a user, the export is read with it and saved.
func TestExportWithToken(t *testing.T) {
	for name, login := range map[string]string{"token": "a-token-that-reads-all", "token with a colon": "a:token", "user": "jürgen:right: 火"} {
		t.Run(name, func(t *testing.T) { testExport(t, login) })
	}
}

func testExport(t *testing.T, login string) {
	var r *aimdb.Untyped
	w := open(t, func(db *aimdb.DB) { r = add(t, db, "a", aimdb.Ring(8), aimdb.Persist()) },
		aimdb.Tokens(aimdb.Token{Token: "a-token-that-reads-all", Read: []string{"#"}}, aimdb.Token{Token: "a:token", Read: []string{"#"}}),
		aimdb.Users(aimdb.User{Name: "jürgen", Password: "right: 火", Read: []string{"#"}}))
	set(t, r, 7)
	b := newTab(t, w.url)
	dir := t.TempDir()
	if _, err := chromedp.CallBrowser(b.ctx, browser.SetDownloadBehavior, browser.SetDownloadBehaviorParams{Behavior: "allow", DownloadPath: dir}); err != nil {
		t.Fatal(err)
	}
	b.visit("")
	eval[any](b, fmt.Sprintf(`sessionStorage.setItem("aimdb.console.token", %q)`, login))
	b.visit(recordPage("a"))
	b.until("the value", `document.querySelector("td.value")?.textContent === "7"`)
	eval[any](b, `document.querySelector("a[download]").click()`)
	for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		if found, _ := filepath.Glob(filepath.Join(dir, "*.csv")); len(found) == 1 && strings.HasSuffix(found[0], "a.csv") {
			break
		}
		if time.Now().After(deadline) {
			t.Fatal("nothing was saved")
		}
	}
}
