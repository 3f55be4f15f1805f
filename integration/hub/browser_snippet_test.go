package hub

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aimdb-go/aimdb"
	"github.com/aimdb-go/aimdb/examples/weather"
)

// browserSnippet returns the block of HTML in docs/USE.md.
func browserSnippet(t *testing.T) string {
	t.Helper()
	readme, err := os.ReadFile(filepath.Join("..", "..", "docs", "USE.md"))
	if err != nil {
		t.Fatal(err)
	}
	_, rest, found := strings.Cut(string(readme), "```html\n")
	if !found {
		t.Fatal("docs/USE.md has no page")
	}
	snippet, _, _ := strings.Cut(rest, "```")
	return snippet
}

// The page that docs/USE.md shows lists stored and live errors. It must be short.
func TestBrowserSnippet(t *testing.T) {
	t.Parallel()
	snippet := browserSnippet(t)
	if lines := strings.Count(snippet, "\n"); lines > 12 {
		t.Errorf("the snippet has %d lines, want at most 12", lines)
	}
	var accuracy *aimdb.Record[weather.ForecastValidation]
	h := openHub(t, t.TempDir(), func(db *aimdb.DB) {
		accuracy = mustRegister[weather.ForecastValidation](t, db, "accuracy::graz", aimdb.Ring(10), aimdb.Persist(), aimdb.Remote())
	}, aimdb.HTTP("127.0.0.1:0", htmlPage(snippet)))
	produce := func(miss float64) {
		t.Helper()
		accuracy.Produce(weather.ForecastValidation{City: "graz", ErrorCelsius: miss})
		if err := h.Flush(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	produce(-1.5)
	browser := chromium(t)
	goTo(t, browser, "http://"+h.Addresses().HTTP+"/")
	until(t, browser, "the stored value", `/^\d.*accuracy::graz -1\.5 °C$/.test(document.body.innerText.trim())`)
	until(t, browser, "the state", `document.title === "open"`)
	produce(2)
	until(t, browser, "the live value above it", `/accuracy::graz 2 °C\n.*accuracy::graz -1\.5 °C$/.test(document.body.innerText.trim())`)
}
