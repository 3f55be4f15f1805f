package weather

import (
	"math"
	"time"
)

// Temperature is one observation of a city.
type Temperature struct {
	City    string    `json:"city"`
	Celsius float64   `json:"celsius"`
	ValidAt time.Time `json:"valid_at"`
}

// Forecast is the temperature of a city that was expected for ValidAt.
type Forecast struct {
	City string `json:"city"`
	// Source names the model or provider of the forecast.
	Source   string    `json:"source"`
	Celsius  float64   `json:"celsius"`
	IssuedAt time.Time `json:"issued_at"`
	ValidAt  time.Time `json:"valid_at"`
}

// ForecastValidation is a forecast beside the observation of its hour.
type ForecastValidation struct {
	City string `json:"city"`
	// Source is the source of the forecast.
	Source          string  `json:"source"`
	ForecastCelsius float64 `json:"forecast_celsius"`
	ActualCelsius   float64 `json:"actual_celsius"`
	// ErrorCelsius is forecast minus actual: above 0 the forecast was too warm.
	ErrorCelsius  float64 `json:"error_celsius"`
	AbsoluteError float64 `json:"absolute_error"`
	// LeadHours is the number of hours from IssuedAt to ValidAt.
	LeadHours int `json:"lead_hours"`
	// IssuedAt and ValidAt are the data's own times, not those of the write. History has
	// the validation at ValidAt.
	IssuedAt time.Time `json:"issued_at"`
	ValidAt  time.Time `json:"valid_at"`
	// WithinTolerance reports whether the absolute error was at most the
	// tolerance of hub.settings at the time of the validation.
	WithinTolerance bool `json:"within_tolerance"`
}

// Validate compares the forecast with the observation of its hour.
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

// lead returns the whole hours from the issue to the valid time.
func (f Forecast) lead() int { return int(f.ValidAt.Sub(f.IssuedAt) / time.Hour) }

// hundredths rounds to 0.01 °C: the data has tenths, and a difference of two
// tenths in binary would show as 0.6000000000000014.
func hundredths(celsius float64) float64 {
	return math.Round(celsius*100) / 100
}
