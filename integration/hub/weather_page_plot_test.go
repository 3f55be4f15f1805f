package hub

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"github.com/aimdb-go/aimdb/examples/weather"
)

// words are what a plot says of a validation, as the page joins them.
func words(v weather.ForecastValidation) string {
	text := fmt.Sprintf("%s UTC. Forecast %.1f °C, observed %.1f °C. Error %s, within ±2 °C",
		v.ValidAt.Format("2 Jan 2006, 15:04"), v.ForecastCelsius, v.ActualCelsius, map[bool]string{true: "+0.3 °C", false: "−0.3 °C"}[v.ErrorCelsius > 0])
	if v.ValidAt.Day() > 1 {
		text += fmt.Sprintf(". Baseline %.1f °C, error −1.0 °C", v.ActualCelsius-1)
	}
	return text
}

// tip is what the plot of graz shows beside the selected mark; nothing if it is
// hidden.
const tip = `(() => { const tip = document.querySelector('[data-city="graz"] .tip');
	return tip.hidden ? "" : [...tip.children].map((p) => p.textContent).join(". ").replaceAll("\u00a0", " ") })()`

// openPlot shows the forecasts of 3 hours ahead, all of which are within the
// tolerance, and returns those of graz.
func openPlot(t *testing.T) (context.Context, []weather.ForecastValidation) {
	t.Helper()
	h, c := startHourly(t)
	browser := chromium(t)
	look(t, browser, 1280, "light")
	openPage(t, browser, h)
	until(t, browser, "all cities from history", cards+`.length === 3`)
	choose(t, browser, "lead", "3")
	want := selected(validations(t, c, "graz"), 3, time.Time{})
	until(t, browser, "all validations of graz", fmt.Sprintf(`%s === "%d"`, field("graz", "count"), len(want)))
	return browser, want
}

// press presses a key in the page.
func press(t *testing.T, browser context.Context, key string) {
	t.Helper()
	if err := chromedp.Do(browser, chromedp.KeyEvent(key)); err != nil {
		t.Fatal(err)
	}
}

// tabToPlot goes to the first plot from the lists before it.
func tabToPlot(t *testing.T, browser context.Context) {
	t.Helper()
	read[bool](t, browser, `(() => { document.getElementById("days").focus(); return true })()`)
	press(t, browser, kb.Tab)
}

func TestPagePlotTellsTheRowUnderThePointer(t *testing.T) {
	t.Parallel()
	browser, want := openPlot(t)
	move := func(x, y float64) {
		t.Helper()
		if err := chromedp.Do(browser, chromedp.MouseEvent(input.DispatchMouseEventTypeMouseMoved, x, y)); err != nil {
			t.Fatal(err)
		}
	}
	for _, n := range []int{0, 1, len(want) / 2, len(want) - 1} {
		at := read[[]float64](t, browser, fmt.Sprintf(`(() => {
			const svg = document.querySelector('[data-city="graz"] .plot svg');
			const box = svg.getBoundingClientRect();
			const [x, y] = svg.querySelector(".inside").getAttribute("d").split("M")[%d].split("h")[0].split(" ").map(Number);
			return [box.left + x, box.top + y];
		})()`, n+1))
		move(at[0]+1, at[1]-1)
		until(t, browser, fmt.Sprintf("validation %d: %s", n, words(want[n])), fmt.Sprintf(`%s === %q`, tip, words(want[n])))
		if over := read[bool](t, browser, `(() => { const tip = document.querySelector('[data-city="graz"] .tip').getBoundingClientRect();
			const plot = document.querySelector('[data-city="graz"] .plot').getBoundingClientRect();
			return tip.left < plot.left - 1 || tip.right > plot.right + 1 })()`); over {
			t.Errorf("the words of validation %d stand out of the plot", n)
		}
	}
	move(2, 2)
	until(t, browser, "no words without the pointer", tip+` === ""`)
}

func TestPagePlotCanBeReadWithTheKeyboard(t *testing.T) {
	t.Parallel()
	browser, want := openPlot(t)
	tabToPlot(t, browser)
	if got := read[string](t, browser, `[document.activeElement.getAttribute("role"), document.activeElement.getAttribute("aria-label")].join()`); got != "slider,Errors of the forecasts for Graz" {
		t.Fatalf("behind the lists the Tab key leads to %q, want the first plot", got)
	}
	last := len(want) - 1
	for _, step := range []struct {
		key, name string
		row       int
	}{
		{"", "no key", last},
		{kb.ArrowLeft, "left", last - 1},
		{kb.ArrowRight, "right", last},
		{kb.ArrowRight, "right at the end", last},
		{kb.PageDown, "page down", last - 10},
		{kb.Home, "home", 0},
		{kb.ArrowLeft, "left at the start", 0},
		{kb.End, "end", last},
	} {
		if step.key != "" {
			press(t, browser, step.key)
		}
		until(t, browser, step.name+": "+words(want[step.row]), fmt.Sprintf(`%s === %q`, tip, words(want[step.row])))
		spoken := read[[]string](t, browser, `["valuetext", "valuenow", "valuemin", "valuemax"].map((name) => document.activeElement.getAttribute("aria-" + name).replaceAll("\u00a0", " "))`)
		if fmt.Sprint(spoken) != fmt.Sprint([]string{words(want[step.row]), fmt.Sprint(step.row + 1), "1", fmt.Sprint(len(want))}) {
			t.Errorf("%s: a screen reader hears %q", step.name, spoken)
		}
	}
	press(t, browser, kb.Escape)
	until(t, browser, "no words after Escape", tip+` === ""`)
	press(t, browser, kb.ArrowLeft)
	until(t, browser, "the last row first", fmt.Sprintf(`%s === %q`, tip, words(want[last])))
	press(t, browser, kb.Tab)
	until(t, browser, "no words without the focus", tip+` === ""`)
}

// testAxis checks the scales and ticks where they run.
func testAxis(t *testing.T, browser context.Context) {
	t.Helper()
	wrong := await(t, browser, `import("/axis.js").then(({ day, hour, largest, spanOf, ticks, timeTicks }) => {
		const wrong = [];
		const check = (what, got, want) => JSON.stringify(got) === JSON.stringify(want) || wrong.push(what + ": " + JSON.stringify(got) + ", want " + JSON.stringify(want));
		for (const [most, want] of [[12, [0, 5, 10, 15]], [2.5, [0, 1, 2, 3]], [1, [0, 0.5, 1]], [10, [0, 5, 10]], [100, [0, 50, 100]], [0.3, [0, 0.1, 0.2, 0.3]]]) check("ticks to " + most, ticks(most, 3), want);
		const rows = (...days) => days.map((n) => ({ valid: n * day }));
		check("all rows", spanOf([rows(3, 9), [], rows(1, 7)], Infinity), { from: day, to: 9 * day });
		check("the last five days", spanOf([rows(3, 9), rows(1, 7)], 5), { from: 4 * day, to: 9 * day });
		check("no rows", spanOf([[], []], 5), undefined);
		check("the largest of many", largest([[], [-3], Array(300_000).fill(2)], (v) => v), 3);
		const labels = (from, to, width) => timeTicks({ from: Date.parse(from), to: Date.parse(to) }, width).map(({ text }) => text);
		check("years", labels("2012-01-02", "2015-12-31", 30), ["2013", "2014", "2015"]);
		check("half years", labels("2012-01-02", "2013-04-04", 20), ["Jul 2012", "Jan 2013"]);
		check("Mondays", labels("2025-07-01", "2025-07-30", 25), ["7 Jul", "14 Jul", "21 Jul", "28 Jul"]);
		check("hours", labels("2025-07-01T03:00Z", "2025-07-02T01:00Z", 20), ["1 Jul, 12:00", "2 Jul, 00:00"]);
		check("one time", labels("2025-07-01", "2025-07-01", 20), ["1 Jul, 00:00"]);
		check("no room", labels("2012-01-02", "2015-12-31", 1), []);
		return wrong.join("\n");
	})`)
	if wrong != "" {
		t.Errorf("the axes of the page:\n%s", wrong)
	}
}
