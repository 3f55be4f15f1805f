package weather

import "time"

// Persistence is 24-hour persistence: the forecast is the temperature of 24
// hours before. It is the standard baseline of forecast verification.
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
