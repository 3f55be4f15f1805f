package hub

import (
	"fmt"
	"testing"

	"github.com/chromedp/chromedp"

	"github.com/aimdb-go/aimdb/examples/weather"
)

// overflows lists what stands out of its place: the page out of the window, text
// out of its card or plot, and labels of one axis over each other.
const overflows = `(() => {
	const found = [];
	const shown = (e) => e.checkVisibility() && !e.closest(".hidden");
	const name = (e) => [e.closest("[data-city]")?.dataset.city, e.tagName, e.getAttribute("class"), e.dataset?.field].filter(Boolean).join(" ");
	if (document.documentElement.scrollWidth > innerWidth) found.push("the page is " + document.documentElement.scrollWidth + " wide in a window of " + innerWidth);
	for (const e of document.querySelectorAll("body *")) if (shown(e) && e.clientWidth && e.scrollWidth > e.clientWidth + 1) found.push(name(e) + " needs " + e.scrollWidth + " of " + e.clientWidth);
	const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
	while (texts.nextNode()) {
		const e = texts.currentNode.parentElement;
		if (!texts.currentNode.data.trim() || !shown(e) || e.closest("option")) continue;
		const room = (e.closest("svg") ?? e.closest(".tip") ?? e.closest(".card") ?? document.body).getBoundingClientRect();
		const range = document.createRange();
		range.selectNodeContents(texts.currentNode);
		for (const r of range.getClientRects()) {
			if (r.left < room.left - 1 || r.right > room.right + 1) found.push(name(e) + ' "' + texts.currentNode.data.trim() + '" stands out by ' + Math.max(room.left - r.left, r.right - room.right));
		}
	}
	for (const svg of document.querySelectorAll(".plot svg")) {
		const labels = [...svg.querySelectorAll("text")].map((e) => [e.textContent, e.getBoundingClientRect()]);
		labels.forEach(([a, p], i) => labels.slice(i + 1).forEach(([b, q]) => {
			if (p.left < q.right && q.left < p.right && p.top + 2 < q.bottom && q.top + 2 < p.bottom) found.push('"' + a + '" lies over "' + b + '"');
		}));
	}
	return found;
})()`

// Twice the size of text is a setting of the browser, which a page that counts
// in pixels ignores.
func TestPageOverflowsNowhere(t *testing.T) {
	t.Parallel()
	h, _ := startHourly(t)
	for _, c := range []struct {
		text   int
		widths []int64
	}{{16, []int64{1280, 640, 390, 320}}, {32, []int64{1280, 640, 390}}} {
		browser := chromium(t, chromedp.Flag("blink-settings", fmt.Sprintf("defaultFontSize=%d", c.text)))
		openPage(t, browser, h)
		until(t, browser, "all cities from history", cards+`.length === 3`)
		if size := read[string](t, browser, `getComputedStyle(document.documentElement).fontSize`); size != fmt.Sprintf("%dpx", c.text) {
			t.Fatalf("text is %s, want the %d pixels of the browser's setting", size, c.text)
		}
		for _, width := range c.widths {
			look(t, browser, width, "light")
			for _, lead := range []string{"24", "2"} {
				choose(t, browser, "lead", lead)
				until(t, browser, "another lead", field("linz", "when")+`.startsWith("Not forecast") === `+fmt.Sprint(lead == "2"))
				tabToPlot(t, browser)
				until(t, browser, "words beside the mark", tip+` !== ""`)
				if found := read[[]string](t, browser, overflows); len(found) > 0 {
					t.Errorf("%d pixels wide with text of %d pixels, %s h ahead: %q", width, c.text, lead, found)
				}
			}
			if width == 390 {
				shoot(t, browser, fmt.Sprintf("page-%d-text-%d.png", width, c.text))
			}
		}
	}
}

// contrasts lists the pairs of colours that are too close.
const contrasts = `(() => {
	const found = [];
	const light = (colour) => {
		const [r, g, b] = colour.match(/[\d.]+/g).map(Number).map((v) => (v /= 255) <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
		return 0.2126 * r + 0.7152 * g + 0.0722 * b;
	};
	const contrast = (a, b) => (Math.max(light(a), light(b)) + 0.05) / (Math.min(light(a), light(b)) + 0.05);
	const colour = (selector, property) => {
		const style = getComputedStyle(document.querySelector(selector));
		for (const name of ["opacity", "strokeOpacity", "fillOpacity"]) if (Number(style[name]) !== 1) found.push(selector + " is not opaque");
		return style[property];
	};
	const check = (least, what, on) => {
		const got = contrast(colour(...what), colour(...on));
		if (got < least) found.push(what.join(" ") + " on " + on.join(" ") + " has " + got.toFixed(2) + ":1, want " + least + ":1");
	};
	const page = ["html", "backgroundColor"], card = [".card", "backgroundColor"], band = [".plot .band", "fill"];
	for (const on of [card, band]) {
		for (const mark of ["edge", "inside", "outside", "mean", "zero"]) check(3, [".plot ." + mark, "stroke"], on);
	}
	for (const line of ["forecast", "baseline", "tick"]) check(3, [".plot ." + line, "stroke"], card);
	for (const text of [".plot .value", ".plot .time", ".plot .caption"]) check(4.5, [text, "fill"], card);
	for (const text of [".when", ".verdict", ".verdict b", ".scores th", ".scores td", "figcaption", ".method", "dt", ".card .error dd"]) check(4.5, [text, "color"], card);
	for (const text of [".lead", ".production", ".choice", ".brand", ".times", "#origins"]) check(4.5, [text, "color"], page);
	check(4.5, ["#connection", "color"], [".connection", "backgroundColor"]);
	check(3, ["select", "borderTopColor"], page);
	check(4.5, ["select", "color"], ["select", "backgroundColor"]);
	return found;
})()`

func TestPageContrastAndMarks(t *testing.T) {
	t.Parallel()
	h := startWeather(t, weather.Options{DataDir: t.TempDir(), HTTP: "127.0.0.1:0", AimX: []string{socket(t)}, Steps: 61})
	awaitPhase(t, dial(t, h.addresses.Gateways[0]), weather.Stopped)
	browser := chromium(t)
	openPage(t, browser, h)
	until(t, browser, "both cities from history", cards+`.length === 2`)
	for _, within := range []bool{true, false} {
		if !within { // the colours of a latest error outside the tolerance
			if _, err := dial(t, h.addresses.Gateways[0]).Set(t.Context(), "hub.settings", weather.Settings{ToleranceCelsius: 0.01}); err != nil {
				t.Fatal(err)
			}
			until(t, browser, "errors outside the tolerance", cards+`.every((c) => c.dataset.within === "false")`)
		}
		for _, scheme := range []string{"light", "dark"} {
			look(t, browser, 1280, scheme)
			if found := read[[]string](t, browser, contrasts); len(found) > 0 {
				t.Errorf("%s, within %v: %q", scheme, within, found)
			}
		}
	}
	h.end(t)
	until(t, browser, "that the connection is lost", `document.body.dataset.connection === "lost"`)
	for _, scheme := range []string{"light", "dark"} {
		look(t, browser, 1280, scheme)
		if found := read[[]string](t, browser, contrasts); len(found) > 0 {
			t.Errorf("%s, disconnected: %q", scheme, found)
		}
	}
	if covered := read[bool](t, browser, `[...document.querySelectorAll(".plot .grid")].some((g) => [...g.closest("g").querySelectorAll(".edge")].some((e) => e.compareDocumentPosition(g) & Node.DOCUMENT_POSITION_FOLLOWING))`); covered {
		t.Error("the grid is drawn over the edges of the tolerance")
	}
	// Within is a dot, outside a cross; forecast and baseline differ by dashes.
	if shapes := read[bool](t, browser, `/^(M[\d. ]+h0)*$/.test(document.querySelector(".plot .inside").getAttribute("d")) && /^(M[\d. ]+L[\d. ]+){2,}$/.test(document.querySelector(".plot .outside").getAttribute("d"))`); !shapes {
		t.Error("the marks within and outside the tolerance have the same shape")
	}
	if dashes := read[bool](t, browser, `[".forecast", ".baseline"].map((s) => getComputedStyle(document.querySelector(".plot " + s)).strokeDasharray === "none").join() === "true,false"`); !dashes {
		t.Error("the lines of forecast and baseline differ by colour alone")
	}
}
