package weather

import "time"

// Persistence is 24-hour persistence: tomorrow as today. It is the baseline
// that a forecast has to beat to be of any use.
type Persistence struct{}

// Observe implements Forecaster: T(v) = T(v - 24 h).
func (Persistence) Observe(t Temperature) []Forecast {
	return []Forecast{{
		City:     t.City,
		Source:   "persistence-24h",
		Celsius:  t.Celsius,
		IssuedAt: t.ValidAt,
		ValidAt:  t.ValidAt.Add(24 * time.Hour),
	}}
}
