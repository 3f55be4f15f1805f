package hub

import (
	"context"
	"fmt"
	"math"
	"testing"

	"github.com/chromedp/chromedp"

	"github.com/aimdb-go/aimdb/aimx"
	"github.com/aimdb-go/aimdb/examples/weather"
	"github.com/aimdb-go/aimdb/history"
)

// openPage loads the page of a hub.
func openPage(t *testing.T, browser context.Context, h *weatherHub) {
	t.Helper()
	if err := chromedp.Do(browser, chromedp.Navigate("http://"+h.addresses.HTTP+"/")); err != nil {
		t.Fatal(err)
	}
}

// shareWithin is the share of a city's stored validations within a tolerance,
// as the page writes it.
func shareWithin(t *testing.T, c *aimx.Client, city string, tolerance float64) string {
	t.Helper()
	rows, err := c.Query(t.Context(), "accuracy::"+city, 1000, history.Window{})
	if err != nil {
		t.Fatal(err)
	}
	within := 0
	for _, r := range rows {
		if decoded[weather.ForecastValidation](t, r.Value).AbsoluteError <= tolerance {
			within++
		}
	}
	return fmt.Sprintf("%.0f %%", math.Round(100*float64(within)/float64(len(rows))))
}

// The stored rows were validated with a tolerance of 2 °C. The page shows the
// share for the present tolerance, of the same rows.
func TestPageShareIsThatOfTheToleranceShown(t *testing.T) {
	t.Parallel()
	h := startWeather(t, weather.Options{DataDir: t.TempDir(), HTTP: "127.0.0.1:0", AimX: []string{socket(t)}, Steps: 200})
	c := dial(t, h.addresses.Gateways[0])
	awaitPhase(t, c, weather.Stopped)
	browser := chromium(t)
	openPage(t, browser, h)
	until(t, browser, "both cities from history", cards+`.length === 2`)
	for _, tolerance := range []float64{6, 0.5, 2} {
		if _, err := c.Set(t.Context(), "hub.settings", weather.Settings{ToleranceCelsius: tolerance}); err != nil {
			t.Fatal(err)
		}
		for _, city := range []string{"new_york", "seattle"} {
			until(t, browser, "the new tolerance", fmt.Sprintf(`%s === "±%g °C"`, field(city, "tolerance"), tolerance))
			want := shareWithin(t, c, city, tolerance)
			if got := read[string](t, browser, field(city, "share")); got != want {
				t.Errorf("%s at ±%g °C: the page shows %s, want %s", city, tolerance, got, want)
			}
			marked := fmt.Sprintf("%.0f %%", math.Round(100*float64(marks(t, browser, city, "inside"))/199))
			if marked != want {
				t.Errorf("%s at ±%g °C: the plot marks %s as within, want %s", city, tolerance, marked, want)
			}
		}
	}
}
