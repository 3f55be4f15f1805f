package weather

import (
	"math"
	"time"
)

// Temperature is what was observed in a city at a time.
type Temperature struct {
	City    string    `json:"city"`
	Celsius float64   `json:"celsius"`
	ValidAt time.Time `json:"valid_at"`
}

// Forecast is a temperature that somebody expected for a time to come.
type Forecast struct {
	City string `json:"city"`
	// Source is who or what made the forecast.
	Source   string    `json:"source"`
	Celsius  float64   `json:"celsius"`
	IssuedAt time.Time `json:"issued_at"`
	ValidAt  time.Time `json:"valid_at"`
}

// ForecastValidation is a forecast that met its hour.
type ForecastValidation struct {
	City string `json:"city"`
	// Source is the source of the forecast.
	Source          string  `json:"source"`
	ForecastCelsius float64 `json:"forecast_celsius"`
	ActualCelsius   float64 `json:"actual_celsius"`
	// ErrorCelsius is forecast minus actual: above 0 it was expected warmer
	// than it came.
	ErrorCelsius  float64 `json:"error_celsius"`
	AbsoluteError float64 `json:"absolute_error"`
	// LeadHours is how many hours ahead the forecast was issued.
	LeadHours int `json:"lead_hours"`
	// IssuedAt and ValidAt are the data's own times, not those of the write.
	IssuedAt time.Time `json:"issued_at"`
	ValidAt  time.Time `json:"valid_at"`
	// WithinTolerance says whether the absolute error was at most the
	// tolerance of hub.settings when the forecast was validated.
	WithinTolerance bool `json:"within_tolerance"`
}

// Validate compares the forecast with what was observed at its hour.
func (f Forecast) Validate(actual Temperature, tolerance float64) ForecastValidation {
	miss := hundredths(f.Celsius - actual.Celsius)
	return ForecastValidation{
		City:            f.City,
		Source:          f.Source,
		ForecastCelsius: f.Celsius,
		ActualCelsius:   actual.Celsius,
		ErrorCelsius:    miss,
		AbsoluteError:   math.Abs(miss),
		LeadHours:       f.lead(),
		IssuedAt:        f.IssuedAt,
		ValidAt:         f.ValidAt,
		WithinTolerance: math.Abs(miss) <= tolerance,
	}
}

// lead is how many whole hours ahead the forecast was issued.
func (f Forecast) lead() int { return int(f.ValidAt.Sub(f.IssuedAt) / time.Hour) }

// hundredths rounds to 0.01 °C: the data has tenths, and a difference of two
// tenths in binary would show as 0.6000000000000014.
func hundredths(celsius float64) float64 {
	return math.Round(celsius*100) / 100
}
