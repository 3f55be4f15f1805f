package weather

import (
	"math"
	"testing"
	"time"
)

// hours returns an hourly series from a function of the hour.
func hours(n int, celsius func(h int) float64) Series {
	start := time.Date(2025, 7, 1, 0, 0, 0, 0, time.UTC)
	s := make(Series, n)
	for h := range s {
		s[h] = Temperature{City: "vienna", Celsius: celsius(h), ValidAt: start.Add(time.Duration(h) * time.Hour)}
	}
	return s
}

func two() float64 { return 2 }

func TestPersistenceForecastsTheTemperatureOfTheDayBefore(t *testing.T) {
	now := Temperature{City: "vienna", Celsius: 11.5, ValidAt: time.Date(2025, 7, 1, 0, 0, 0, 0, time.UTC)}
	want := Forecast{City: "vienna", Source: "persistence-24h", Celsius: 11.5, IssuedAt: now.ValidAt, ValidAt: now.ValidAt.AddDate(0, 0, 1)}
	if got := (Persistence{}).Observe(now); len(got) != 1 || got[0] != want {
		t.Errorf("issued %+v, want %+v", got, want)
	}
}

func TestDampedPersistenceOfADailyCycleIsExact(t *testing.T) {
	cycle := func(h int) float64 { return float64(h%24) - 5 }
	d, n := NewDampedPersistence(), 0
	for i, now := range hours(20*24, cycle) {
		for _, f := range d.Observe(now) {
			n++
			if want := cycle(i + int(f.ValidAt.Sub(f.IssuedAt)/time.Hour)); f.Celsius != want {
				t.Fatalf("for %v it forecasts %v °C, want %v", f.ValidAt, f.Celsius, want)
			}
		}
	}
	// C(t) needs fourteen days before t; from then on there are five leads.
	if want := 6 * 24 * 5; n != want {
		t.Errorf("%d forecasts, want %d", n, want)
	}
}

func TestDampedPersistenceFollowsTheFormula(t *testing.T) {
	// 10 °C for fourteen days, then 20 °C for one hour.
	s := hours(14*24+1, func(h int) float64 {
		if h == 14*24 {
			return 20
		}
		return 10
	})
	d := NewDampedPersistence()
	var got []Forecast
	for _, now := range s {
		got = d.Observe(now)
	}
	want := map[time.Duration]float64{1: 19.86, 3: 19.37, 6: 18.49, 12: 17.37}
	for _, f := range got {
		lead := f.ValidAt.Sub(f.IssuedAt) / time.Hour
		expect, ok := want[lead]
		if lead == 24 { // C(v) takes in the warm hour itself: (13·10 + 20)/14
			expect, ok = hundredths(150.0/14+0.696*10), true
		}
		if !ok || math.Abs(f.Celsius-expect) > 1e-9 {
			t.Errorf("%d hours ahead it forecasts %v °C, want %v", lead, f.Celsius, expect)
		}
	}
	if len(got) != 5 {
		t.Errorf("%d forecasts, want one per lead", len(got))
	}
}

func TestDampedPersistenceWaitsForWhatItNeeds(t *testing.T) {
	s := hours(16*24, func(int) float64 { return 10 })
	missing := 10 * 24 // an hour without an observation
	d := NewDampedPersistence()
	for h, now := range s {
		if h == missing {
			continue
		}
		for _, f := range d.Observe(now) {
			for k := 1; k <= climatologyDays; k++ {
				for _, at := range []time.Time{f.IssuedAt, f.ValidAt} {
					if at.Add(-24 * time.Hour * time.Duration(k)).Equal(s[missing].ValidAt) {
						t.Fatalf("the forecast of %v for %v uses an hour that was not observed", f.IssuedAt, f.ValidAt)
					}
				}
			}
		}
	}
	if len(d.observed) != len(d.times) || len(d.times) > climatologyDays*24+1 {
		t.Errorf("it keeps %d and %d hours, want at most fourteen days", len(d.observed), len(d.times))
	}
}

func TestValidatorValidatesByTimeOfIssue(t *testing.T) {
	day := time.Date(2025, 7, 1, 0, 0, 0, 0, time.UTC)
	at := func(h int) time.Time { return day.Add(time.Duration(h) * time.Hour) }
	v := NewValidator(NewArchived([]Forecast{
		{City: "vienna", Source: "x", Celsius: 12.3, IssuedAt: at(0), ValidAt: at(3)},
		{City: "vienna", Source: "x", Celsius: 9, IssuedAt: at(0), ValidAt: at(2)}, // hour 2 is missing
		{City: "vienna", Source: "x", Celsius: 9.9, IssuedAt: at(1), ValidAt: at(3)},
	}), two)
	var got []ForecastValidation
	for _, h := range []int{0, 1, 3, 4} {
		got = append(got, v.Observe(Temperature{City: "vienna", Celsius: 10.1, ValidAt: at(h)})...)
	}
	want := []ForecastValidation{
		{City: "vienna", Source: "x", ForecastCelsius: 12.3, ActualCelsius: 10.1, ErrorCelsius: 2.2, AbsoluteError: 2.2, LeadHours: 3, IssuedAt: at(0), ValidAt: at(3)},
		{City: "vienna", Source: "x", ForecastCelsius: 9.9, ActualCelsius: 10.1, ErrorCelsius: -0.2, AbsoluteError: 0.2, LeadHours: 2, IssuedAt: at(1), ValidAt: at(3), WithinTolerance: true},
	}
	if len(got) != 2 || got[0] != want[0] || got[1] != want[1] {
		t.Errorf("validated\n%+v, want\n%+v", got, want)
	}
	if len(v.pending) != 0 {
		t.Errorf("%d forecasts are kept though their hour is over", len(v.pending))
	}
}
