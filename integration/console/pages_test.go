package console

import (
	"encoding/json"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"testing"

	"github.com/chromedp/chromedp"
)

// shootVariable makes TestPages write the pictures of docs/console.
const shootVariable = "AIMDB_CONSOLE_PICTURES"

// pages are those of the console, with what each has once it is there.
func pages() []struct{ name, fragment, filled string } {
	const row, settled = `document.querySelector(".grid-row:not([hidden])")`, `document.querySelector("main .page")?.children.length && !/Loading|Connecting/.test(document.querySelector("main").innerText)`
	return []struct{ name, fragment, filled string }{
		{"records", "#/records", row + ` && document.querySelector(".end").textContent !== ""`},
		{"record", "#/record/" + url.PathEscape("weather::outdoor"), filled},
		{"tail", "#/tail?from=hour", row},
		{"graph", "#/graph", settled},
		{"log", "#/log", settled},
		{"losses", "#/losses", settled},
		{"retention", "#/retention", settled},
		{"disk", "#/disk", settled},
	}
}

// TestPages looks at every page: with axe-core in light and dark, on a phone, and with text
// of twice the size.
func TestPages(t *testing.T) {
	w := factory(t)
	b := newTab(t, w.url)
	axe, err := os.ReadFile(filepath.Join("testdata", "axe.min.js"))
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range pages() {
		t.Run(p.name, func(t *testing.T) {
			b.t = t
			defer func() { b.do(chromedp.ResetViewport()) }()
			b.look(1280, "light")
			b.visit(p.fragment)
			b.until("what it shows", p.filled)
			b.until("what it shows of a factory", inFactory(p.name))
			if os.Getenv(shootVariable) != "" && (p.name == "log" || p.name == "records") { // lines take a while to grow
				b.until("lines", fmt.Sprintf(`performance.now() > %f`, eval[float64](b, `performance.now()`)+20_000))
			}
			eval[any](b, string(axe)+";null")
			for _, scheme := range []string{"light", "dark"} {
				b.look(1280, scheme)
				b.serious(scheme)
				b.shoot(p.name + "-" + scheme)
			}
			b.wide("with 1280 pixels")
			b.look(390, "light")
			b.until("the width of a phone", `innerWidth === 390`)
			b.wide("on a phone")
			b.serious("phone")
			b.shoot(p.name + "-phone")
			b.look(1280, "light")
			eval[any](b, `document.documentElement.style.fontSize = "200%", null`)
			b.wide("with text of twice the size")
			b.look(390, "light")
			b.wide("with text of twice the size on a phone")
		})
	}
}

// inFactory is what a page shows of the factory.
func inFactory(page string) string {
	texts := map[string][]string{
		"graph":     {"power::total", "meter::hall1, meter::hall2", "join", "/s, "},
		"log":       {"takes values", "sqlite", "ndjson"},
		"losses":    {"sink_refused", "not_encodable", "camera::yard", "the limit is"},
		"retention": {"meter::*", "for ever", "Try these limits"},
		"disk":      {"Values in the history", "power::total", "Write-ahead log", "meter::*"},
	}
	b, err := json.Marshal(texts[page])
	if err != nil {
		panic(err) // strings can be encoded
	}
	return "(" + string(b) + ` ?? []).every((t) => document.querySelector("main").innerText.toLowerCase().includes(t.toLowerCase()))`
}

// serious fails for what axe-core finds serious or critical.
func (b *tab) serious(where string) {
	b.t.Helper()
	for _, found := range eval[[]string](b, `axe.run(document, { resultTypes: ["violations"] }).then((r) => r.violations.filter((v) => ["serious", "critical"].includes(v.impact)).map((v) => v.id + ": " + v.help + ": " + v.nodes.slice(0, 3).map((n) => n.html.slice(0, 200) + " (" + n.any.concat(n.all).map((c) => c.message).join("; ").slice(0, 200) + ")").join(" | ")))`) {
		b.t.Errorf("%s: %s", where, found)
	}
}

// wide fails if the page scrolls sideways.
func (b *tab) wide(where string) {
	b.t.Helper()
	if over := eval[int](b, `new Promise(requestAnimationFrame).then(() => document.documentElement.scrollWidth - innerWidth)`); over > 0 {
		b.t.Errorf("%s the page is %d pixels too wide: %s", where, over, eval[string](b, `[...document.querySelectorAll("main *, header *")].filter((e) => e.getBoundingClientRect().right > innerWidth + 1).slice(0, 4).map((e) => e.tagName + "." + e.className).join(", ")`))
	}
}

// shoot writes a picture into docs/console if the variable says so, and else looks whether it
// is there.
func (b *tab) shoot(name string) {
	b.t.Helper()
	path := filepath.Join("..", "..", "docs", "console", name+".png")
	if os.Getenv(shootVariable) == "" {
		if _, err := os.Stat(path); err != nil {
			b.t.Errorf("%v; run this test with %s=1", err, shootVariable)
		}
		return
	}
	picture, err := chromedp.Run(b.ctx, chromedp.CaptureScreenshot())
	if err == nil {
		err = os.MkdirAll(filepath.Dir(path), 0o755)
	}
	if err == nil {
		picture, err = smaller(picture)
	}
	if err == nil {
		err = os.WriteFile(path, picture, 0o644)
	}
	if err != nil {
		b.t.Fatal(fmt.Errorf("picture %s: %w", name, err))
	}
}
