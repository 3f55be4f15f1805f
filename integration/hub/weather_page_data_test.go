package hub

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aimdb-go/aimdb/aimx"
	"github.com/aimdb-go/aimdb/examples/weather"
	"github.com/aimdb-go/aimdb/history"
)

// hourlyDays is how many days the hourly data has.
const hourlyDays = 30

// hourly writes observations of graz, linz and wels, of which each day is 1 °C
// warmer than the one before at every hour, and forecasts for graz and wels
// that miss by 0.1 °C and 0.5 °C for each hour ahead, above and below by turns.
func hourly(t *testing.T) (observations, forecasts string) {
	t.Helper()
	start := time.Date(2025, 7, 1, 0, 0, 0, 0, time.UTC)
	tenths := func(hour int) int { return 10*(hour/24) + hour%24 }
	at := func(hour int) string { return start.Add(time.Duration(hour) * time.Hour).Format(time.RFC3339) }
	var observed, forecast strings.Builder
	observed.WriteString("time,city,temperature_c\n")
	forecast.WriteString("issued_at,city,source")
	for lead := 1; lead <= 24; lead++ {
		fmt.Fprintf(&forecast, ",t%02d", lead)
	}
	for hour := range hourlyDays * 24 {
		for _, city := range []string{"graz", "linz", "wels"} {
			fmt.Fprintf(&observed, "%s,%s,%.1f\n", at(hour), city, float64(tenths(hour))/10)
		}
		if hour%6 != 0 {
			continue
		}
		for city, miss := range map[string]int{"graz": 1, "wels": 5} {
			fmt.Fprintf(&forecast, "\n%s,%s,test", at(hour), city)
			for lead := 1; lead <= 24; lead++ {
				sign := 1 - 2*(hour/6%2)
				fmt.Fprintf(&forecast, ",%.1f", float64(tenths(hour+lead)+sign*miss*lead)/10)
			}
		}
	}
	return written(t, "observations.csv", observed.String()), written(t, "forecasts.csv", forecast.String())
}

func written(t *testing.T, name, text string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	return file
}

// startHourly starts a hub that has produced all of the hourly data.
func startHourly(t *testing.T) (*weatherHub, *aimx.Client) {
	t.Helper()
	o := weather.Options{DataDir: t.TempDir(), HTTP: "127.0.0.1:0", AimX: []string{socket(t)}, Steps: -1}
	o.Observations, o.Forecasts = hourly(t)
	h := startWeather(t, o)
	c := dial(t, h.addresses.Gateways[0])
	awaitPhase(t, c, weather.Ended)
	return h, c
}

// validations returns the validations of a city in history, oldest first.
func validations(t *testing.T, c *aimx.Client, city string) []weather.ForecastValidation {
	t.Helper()
	rows, err := c.Query(t.Context(), "accuracy::"+city, 100_000, history.Window{})
	if err != nil {
		t.Fatal(err)
	}
	found := make([]weather.ForecastValidation, len(rows))
	for i, r := range rows {
		found[i] = decoded[weather.ForecastValidation](t, r.Value)
	}
	return found
}

// selected returns the validations of one lead from a time on.
func selected(vs []weather.ForecastValidation, lead int, from time.Time) []weather.ForecastValidation {
	return slices.DeleteFunc(slices.Clone(vs), func(v weather.ForecastValidation) bool {
		return v.LeadHours != lead || v.ValidAt.Before(from)
	})
}

// meanAbsoluteError is written as the page writes it.
func meanAbsoluteError(vs []weather.ForecastValidation) string {
	sum := 0.0
	for _, v := range vs {
		sum += v.AbsoluteError
	}
	return fmt.Sprintf("%.2f °C", sum/float64(len(vs)))
}
