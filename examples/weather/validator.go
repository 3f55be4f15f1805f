package weather

import (
	"cmp"
	"slices"
)

// Validator compares the forecasts of one city with its observations.
type Validator struct {
	forecaster Forecaster
	tolerance  func() float64
	pending    []Forecast
}

// NewValidator returns a validator. It calls tolerance at each validation.
func NewValidator(f Forecaster, tolerance func() float64) *Validator {
	return &Validator{forecaster: f, tolerance: tolerance}
}

// Observe takes the next observation, in the order of time, and returns the
// validations of the forecasts for it, ordered by time of issue. A forecast for
// an hour without an observation is dropped.
func (v *Validator) Observe(t Temperature) []ForecastValidation {
	v.pending = append(v.pending, v.forecaster.Observe(t)...)
	var due []Forecast
	v.pending = slices.DeleteFunc(v.pending, func(f Forecast) bool {
		if f.ValidAt.Equal(t.ValidAt) {
			due = append(due, f)
		}
		return !f.ValidAt.After(t.ValidAt)
	})
	slices.SortStableFunc(due, func(a, b Forecast) int {
		return cmp.Or(a.IssuedAt.Compare(b.IssuedAt), cmp.Compare(a.Source, b.Source))
	})
	made := make([]ForecastValidation, len(due))
	for i, f := range due {
		made[i] = f.Validate(t, v.tolerance())
	}
	return made
}
