package hub

import (
	"fmt"
	"log/slog"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aimdb-go/aimdb/examples/weather"
)

// compared is a forecast beside 24-hour persistence, over the validations for
// which the observations have the hour a day before.
type compared struct {
	both               int
	forecast, baseline float64 // sums of absolute errors
	within             int     // baselines within 2 °C
}

func compare(vs []weather.ForecastValidation, observed map[time.Time]float64) compared {
	var c compared
	for _, v := range vs {
		before, ok := observed[v.ValidAt.AddDate(0, 0, -1)]
		if !ok {
			continue
		}
		miss := math.Abs(math.Round(100*(before-v.ActualCelsius)) / 100)
		c.both++
		c.forecast += v.AbsoluteError
		c.baseline += miss
		if miss <= 2 {
			c.within++
		}
	}
	return c
}

// verdict is what the page says of it.
func (c compared) verdict() string {
	switch change := math.Round(100 * (c.forecast/c.baseline - 1)); {
	case change < 0:
		return fmt.Sprintf("%.0f %% better than the baseline", -change)
	case change > 0:
		return fmt.Sprintf("%.0f %% worse than the baseline", change)
	}
	return "As good as the baseline"
}

// observations are those that the page has: it takes the observation of an hour
// from the validations of that hour.
func observations(vs []weather.ForecastValidation) map[time.Time]float64 {
	observed := map[time.Time]float64{}
	for _, v := range vs {
		observed[v.ValidAt] = v.ActualCelsius
	}
	return observed
}

func TestPageComparesForecastsWithTheBaseline(t *testing.T) {
	t.Parallel()
	h, c := startHourly(t)
	browser := chromium(t)
	look(t, browser, 1280, "light")
	openPage(t, browser, h)
	until(t, browser, "all cities from history", cards+`.length === 3`)
	choose(t, browser, "days", "all")
	stored := validations(t, c, "graz")
	observed := observations(stored)
	for lead, want := range map[int]string{
		3:  "70 % better than the baseline",
		10: "As good as the baseline",
		24: "140 % worse than the baseline",
	} {
		choose(t, browser, "lead", fmt.Sprint(lead))
		vs := selected(stored, lead, time.Time{})
		both := compare(vs, observed).both
		over := ""
		if both < len(vs) {
			over = fmt.Sprintf(", in the %d validations that both have", both)
		}
		until(t, browser, fmt.Sprintf("%d h: %s%s", lead, want, over), fmt.Sprintf(`%s + %s === %q`, field("graz", "verdict"), field("graz", "both"), want+over))
		for name, want := range map[string]string{"baseline-mae": "1.00 °C", "baseline-share": "100 %", "baseline-count": fmt.Sprint(both), "count": fmt.Sprint(len(vs))} {
			if got := read[string](t, browser, field("graz", name)); got != want {
				t.Errorf("%d h ahead: %s is %s, want %s", lead, name, got, want)
			}
		}
		for _, class := range []string{"forecast", "baseline"} {
			if d := read[string](t, browser, fmt.Sprintf(`document.querySelector('[data-city="graz"] .means .%s').getAttribute("d")`, class)); len(d) < 20 {
				t.Errorf("%d h ahead: the line of the %s is %q", lead, class, d)
			}
		}
	}
	if _, err := c.Set(t.Context(), "hub.settings", weather.Settings{ToleranceCelsius: 0.9}); err != nil {
		t.Fatal(err)
	}
	until(t, browser, "the share of the baseline at another tolerance", field("graz", "baseline-share")+` === "0 %"`)
}

func TestPageDoesNotCompareTheBaselineWithItself(t *testing.T) {
	t.Parallel()
	h := startWeather(t, weather.Options{DataDir: t.TempDir(), HTTP: "127.0.0.1:0", AimX: []string{socket(t)}, Steps: 50})
	awaitPhase(t, dial(t, h.addresses.Gateways[0]), weather.Stopped)
	browser := chromium(t)
	openPage(t, browser, h)
	until(t, browser, "both cities from history", cards+`.length === 2`)
	until(t, browser, "the verdict", field("seattle", "verdict")+` === "This forecast is the baseline"`)
	if seen := read[bool](t, browser, `document.querySelector('[data-city="seattle"] [data-field="baseline-mae"]').checkVisibility()`); seen {
		t.Error("the baseline has a column beside itself")
	}
}

// The archived forecasts of New York against its observations: the question in
// the page's title, with real data. What is stored has the scores as published, and the page
// shows them.
func TestArchiveOfNewYork(t *testing.T) {
	t.Parallel()
	dir := reference(t)
	o := weather.Options{
		DataDir: t.TempDir(), HTTP: "127.0.0.1:0", AimX: []string{socket(t)}, Steps: -1,
		Observations: linesOf(t, filepath.Join(dir, "observations.csv"), ",new_york,"),
		Forecasts:    filepath.Join(dir, "forecasts_new_york.csv"),
		Logger:       slog.New(slog.DiscardHandler),
	}
	cities, err := weather.LoadCities(o)
	if err != nil {
		t.Fatal(err)
	}
	observed := map[time.Time]float64{}
	for _, v := range cities[0].Series[2:] { // the first forecast is for the third hour
		observed[v.ValidAt] = v.Celsius
	}
	h := startWeather(t, o)
	c := dial(t, h.addresses.Gateways[0])
	awaitPhase(t, c, weather.Ended)
	scoresAsPublished(t, c)
	browser := chromium(t)
	look(t, browser, 1280, "light")
	openPage(t, browser, h)
	until(t, browser, "the city from history", cards+`.length === 1`)
	choose(t, browser, "days", "all")
	stored := validations(t, c, "new_york")
	for lead, mae := range map[int]string{1: "0.64 °C", 3: "0.72 °C", 6: "1.05 °C", 12: "1.19 °C", 24: "1.42 °C"} {
		choose(t, browser, "lead", fmt.Sprint(lead))
		vs := selected(stored, lead, time.Time{})
		want := compare(vs, observed)
		until(t, browser, fmt.Sprintf("%d validations %d h ahead", len(vs), lead), fmt.Sprintf(`%s === "%d"`, field("new_york", "count"), len(vs)))
		// Two leads can have as many validations, but not the same error.
		until(t, browser, fmt.Sprintf("the error %d h ahead", lead), fmt.Sprintf(`%s === %q`, field("new_york", "mae"), mae))
		for name, want := range map[string]string{
			"verdict":        want.verdict(),
			"baseline-mae":   fmt.Sprintf("%.2f °C", want.baseline/float64(want.both)),
			"baseline-share": fmt.Sprintf("%.0f %%", math.Round(100*float64(want.within)/float64(want.both))),
		} {
			if got := read[string](t, browser, field("new_york", name)); got != want {
				t.Errorf("%d h ahead: %s is %q, want %q", lead, name, got, want)
			}
		}
	}
}

// linesOf copies the header and the lines with a text to a file of their own.
func linesOf(t *testing.T, file, text string) string {
	t.Helper()
	all, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.SplitAfter(string(all), "\n")
	return written(t, filepath.Base(file), lines[0]+strings.Join(slices.DeleteFunc(lines[1:], func(l string) bool { return !strings.Contains(l, text) }), ""))
}
