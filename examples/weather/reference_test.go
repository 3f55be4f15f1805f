package weather

import (
	"log/slog"
	"math"
	"os"
	"path/filepath"
	"testing"
)

// reference returns the folder of reference data, which is no part of the
// repository. Without it there is nothing to check, but CI must have it.
func reference(t *testing.T) string {
	t.Helper()
	dir := filepath.Join("..", "..", "..", "shared", "weather")
	if _, err := os.Stat(dir); err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatalf("the reference data is not there: %v", err)
		}
		t.Skipf("skipped: it needs the reference data in %s beside the repository", dir)
	}
	return dir
}

type score struct {
	n        int
	sum, abs float64
}

func (s *score) add(v ForecastValidation) {
	s.n++
	s.sum += v.ErrorCelsius
	s.abs += v.AbsoluteError
}

// near compares with figures that are given to so many decimals.
func near(got, want, half float64) bool { return math.Abs(got-want) <= half+1e-9 }

// byLead scores the cities that a condition selects.
func byLead(t *testing.T, o Options, use func(*City) bool) (leads map[int]*score, all score) {
	t.Helper()
	cities, err := LoadCities(o)
	if err != nil {
		t.Fatal(err)
	}
	leads = map[int]*score{}
	for _, c := range cities {
		if !use(c) {
			continue
		}
		v := NewValidator(c.Forecaster(), two)
		for _, now := range c.Series {
			for _, made := range v.Observe(now) {
				if leads[made.LeadHours] == nil {
					leads[made.LeadHours] = &score{}
				}
				leads[made.LeadHours].add(made)
				all.add(made)
			}
		}
	}
	return leads, all
}

func TestArchivedForecastsScoreAsPublished(t *testing.T) {
	dir := reference(t)
	for _, c := range []struct {
		city, observations string
		want               map[int]float64
		all, bias          float64
	}{
		{"new_york", "observations.csv", map[int]float64{1: 0.64, 3: 0.72, 6: 1.05, 12: 1.19, 24: 1.42}, 1.09, -0.59},
		{"las_vegas", "observations_las_vegas.csv", map[int]float64{1: 0.89, 3: 0.94, 6: 0.99, 12: 1.00, 24: 1.09}, 0.97, -0.16},
	} {
		leads, all := byLead(t, Options{
			Observations: filepath.Join(dir, c.observations),
			Forecasts:    filepath.Join(dir, "forecasts_"+c.city+".csv"),
			Logger:       slog.New(slog.DiscardHandler),
		}, func(of *City) bool { return of.Key == c.city })
		for lead, want := range c.want {
			if s := leads[lead]; s == nil || !near(s.abs/float64(s.n), want, 0.005) {
				t.Errorf("%s, %d h: mean absolute error %.4f, want %.2f", c.city, lead, s.abs/float64(s.n), want)
			}
		}
		if mae, bias := all.abs/float64(all.n), all.sum/float64(all.n); !near(mae, c.all, 0.005) || !near(bias, c.bias, 0.005) {
			t.Errorf("%s, all leads: mean absolute error %.4f and bias %.4f, want %.2f and %.2f", c.city, mae, bias, c.all, c.bias)
		}
	}
}

func TestDampedPersistenceScoresAsPublished(t *testing.T) {
	dir := reference(t)
	leads, _ := byLead(t, Options{Observations: filepath.Join(dir, "observations.csv")}, func(*City) bool { return true })
	for lead, want := range map[int]float64{1: 0.390, 3: 0.856, 6: 1.310, 12: 1.736, 24: 1.940} {
		s := leads[lead]
		if s == nil || !near(s.abs/float64(s.n), want, 0.0005) {
			t.Errorf("%d h: mean absolute error %.4f of %d, want %.3f", lead, s.abs/float64(s.n), s.n, want)
		}
	}
}
