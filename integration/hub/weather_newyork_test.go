package hub

import (
	"math"
	"testing"

	"github.com/aimdb-go/aimdb/aimx"
	"github.com/aimdb-go/aimdb/examples/weather"
	"github.com/aimdb-go/aimdb/history"
)

// scoresAsPublished compares the stored validations with the figures of the reference
// data's README: the whole way from the files through rings, log, pump and history to the
// answer of record.query must neither lose, double nor change a validation.
func scoresAsPublished(t *testing.T, c *aimx.Client) {
	t.Helper()
	rows, err := c.Query(t.Context(), "accuracy::new_york", 100_000, history.Window{})
	if err != nil {
		t.Fatal(err)
	}
	type score struct{ n, sum, abs float64 }
	leads, all, seen := map[int]score{}, score{}, map[weather.Mark]bool{}
	for _, r := range rows {
		v := decoded[weather.ForecastValidation](t, r.Value)
		if seen[weather.MarkOf(v)] {
			t.Fatalf("twice in history: %s", r.Value)
		}
		seen[weather.MarkOf(v)] = true
		s := leads[v.LeadHours]
		leads[v.LeadHours] = score{s.n + 1, s.sum + v.ErrorCelsius, s.abs + v.AbsoluteError}
		all = score{all.n + 1, all.sum + v.ErrorCelsius, all.abs + v.AbsoluteError}
	}
	near := func(got, want float64) bool { return math.Abs(got-want) <= 0.005+1e-9 }
	for lead, want := range map[int]float64{1: 0.64, 3: 0.72, 6: 1.05, 12: 1.19, 24: 1.42} {
		if s := leads[lead]; !near(s.abs/s.n, want) {
			t.Errorf("%d h: mean absolute error %.4f of %.0f, want %.2f", lead, s.abs/s.n, s.n, want)
		}
	}
	if mae, bias := all.abs/all.n, all.sum/all.n; !near(mae, 1.09) || !near(bias, -0.59) {
		t.Errorf("all leads: mean absolute error %.4f and bias %.4f of %.0f, want 1.09 and -0.59", mae, bias, all.n)
	}
	if len(leads) != 24 {
		t.Errorf("%d leads, want 24", len(leads))
	}
}

// A hub that is stopped again and again leaves the same history as one that
// is not.
func TestHistoryIsTheSameWithRestarts(t *testing.T) {
	t.Parallel()
	validations := func(dir string, steps ...int) []weather.ForecastValidation {
		var rows []history.Row
		for _, n := range steps {
			h := startWeather(t, weather.Options{DataDir: dir, AimX: []string{socket(t)}, Steps: n})
			c := dial(t, h.addresses.Gateways[0])
			phase := weather.Stopped
			if n == 0 {
				phase = weather.HistoryOnly
			}
			awaitPhase(t, c, phase)
			var err error
			if rows, err = c.Query(t.Context(), "accuracy::*", 1000, history.Window{}); err != nil {
				t.Fatal(err)
			}
			h.end(t)
		}
		byCity := map[string][]weather.ForecastValidation{}
		for _, r := range rows {
			byCity[r.Record] = append(byCity[r.Record], decoded[weather.ForecastValidation](t, r.Value))
		}
		return append(byCity["accuracy::new_york"], byCity["accuracy::seattle"]...)
	}
	want := validations(t.TempDir(), 120)
	got := validations(t.TempDir(), 50, 1, 69, 0)
	if len(want) != 2*119 || len(got) != len(want) {
		t.Fatalf("%d validations without restarts and %d with, want 238 of both", len(want), len(got))
	}
	for i := range want {
		if got[i] != want[i] {
			t.Fatalf("validation %d is\n%+v with restarts and\n%+v without", i, got[i], want[i])
		}
	}
}
