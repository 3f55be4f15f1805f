package weather

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
)

// run does what the hub does with a plan, and returns the validations.
func run(cities []*City, p Plan, steps int) []ForecastValidation {
	var made []ForecastValidation
	validators := map[string]*Validator{}
	for _, s := range p.Steps[:min(steps, len(p.Steps))] {
		for _, c := range cities {
			now, ok := s.Value(c.Key)
			if !ok {
				continue
			}
			if validators[c.Key] == nil {
				validators[c.Key] = c.ValidatorAt(now.ValidAt, two)
			}
			for _, v := range validators[c.Key].Observe(now) {
				if p.Marks[c.Key].Before(v) {
					made = append(made, v)
				}
			}
		}
	}
	return made
}

// some returns two cities, of which one has archived forecasts.
func some(t *testing.T) []*City {
	t.Helper()
	vienna := hours(18*24, func(h int) float64 { return hundredths(float64(h%24) + float64(h%7)/10) })
	rome := slices.Clone(vienna)
	var archive []Forecast
	for i := range rome {
		rome[i].City = "rome"
		if i%6 == 1 {
			for lead := 1; lead <= archiveLeads && i+lead < len(rome); lead++ {
				archive = append(archive, Forecast{City: "rome", Source: "x", Celsius: float64(lead), IssuedAt: rome[i].ValidAt, ValidAt: rome[i+lead].ValidAt})
			}
		}
	}
	return []*City{{Key: "rome", Series: rome, Archive: archive}, {Key: "vienna", Series: vienna}}
}

func ofCity(vs []ForecastValidation, city string) []ForecastValidation {
	return slices.DeleteFunc(slices.Clone(vs), func(v ForecastValidation) bool { return v.City != city })
}

// A process that is killed leaves a prefix of each city's validations, of
// different lengths, and not even whole hours.
func TestARestartAnywhereChangesNothing(t *testing.T) {
	cities := some(t)
	whole := run(cities, NewPlan(cities, nil), 1<<30)
	seed := rand.Uint64()
	random := rand.New(rand.NewPCG(seed, 1))
	for round := range 40 {
		t.Run(fmt.Sprintf("seed=%d/round=%d", seed, round), func(t *testing.T) {
			var last, got []ForecastValidation
			kept := map[string][]ForecastValidation{}
			base := 1 + random.IntN(len(ofCity(whole, "rome"))-1)
			for _, c := range cities {
				all := ofCity(whole, c.Key)
				n := min(max(base+random.IntN(60)-30, 0), len(all))
				kept[c.Key] = all[:n]
				if n > 0 {
					last = append(last, all[n-1])
				}
			}
			got = run(cities, NewPlan(cities, last), 1<<30)
			for _, c := range cities {
				all := append(slices.Clone(kept[c.Key]), ofCity(got, c.Key)...)
				if !slices.Equal(all, ofCity(whole, c.Key)) {
					t.Errorf("%s: with a restart after %d there are %d validations, want %d, the same", c.Key, len(kept[c.Key]), len(all), len(ofCity(whole, c.Key)))
				}
			}
		})
	}
}

func TestARestartContinuesAfterTheLastValidTime(t *testing.T) {
	cities := some(t)
	// After five days rome has validations and vienna, which needs fourteen
	// days, has none: no row is missing, so neither starts again.
	before := run(cities, NewPlan(cities, nil), 5*24)
	p := NewPlan(cities, before[len(before)-1:])
	if want := cities[0].Series[5*24].ValidAt; !p.Steps[0].ValidAt.Equal(want) || len(p.Steps[0].Values) != 2 {
		t.Errorf("it continues at %v with %d cities, want %v with 2", p.Steps[0].ValidAt, len(p.Steps[0].Values), want)
	}
}

func TestNothingIsLeftAtTheEndOfTheData(t *testing.T) {
	cities := some(t)
	whole := run(cities, NewPlan(cities, nil), 1<<30)
	var last []ForecastValidation
	for _, c := range cities {
		all := ofCity(whole, c.Key)
		last = append(last, all[len(all)-1])
	}
	if p := NewPlan(cities, last); len(p.Steps) != 0 {
		t.Errorf("%d steps are left, want none", len(p.Steps))
	}
}
