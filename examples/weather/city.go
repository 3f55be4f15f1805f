package weather

import (
	"slices"
	"time"
)

// City is one city of the hub: its observations, and how it is forecast.
type City struct {
	// Key is the last segment of the city's records.
	Key    string
	Place  Place
	Series Series
	// Archive holds the archived forecasts of the city. It may be empty.
	Archive []Forecast
}

// Forecaster returns a new forecaster of the city, without any observation.
func (c *City) Forecaster() Forecaster {
	switch {
	case len(c.Archive) > 0:
		return NewArchived(c.Archive)
	case c.Series.Daily():
		return Persistence{}
	default:
		return NewDampedPersistence()
	}
}

// Leads returns how many hours ahead the city is forecast, ascending.
func (c *City) Leads() []int {
	var leads []int
	switch {
	case len(c.Archive) > 0:
		for _, f := range c.Archive {
			leads = append(leads, f.lead())
		}
	case c.Series.Daily():
		leads = append(leads, 24)
	default:
		for _, d := range dampings() {
			leads = append(leads, int(d.lead/time.Hour))
		}
	}
	slices.Sort(leads)
	return slices.Compact(leads)
}

// Method returns a sentence on how the city is forecast.
func (c *City) Method() string {
	switch {
	case len(c.Archive) > 0:
		return "Archived forecasts (" + c.Archive[0].Source + ")."
	case c.Series.Daily():
		return "24-hour persistence: the temperature of the day before. This is the baseline of other forecasts."
	default:
		return "Damped persistence: the mean of that hour over 14 days, plus part of the present deviation from it."
	}
}

// ValidatorAt returns a validator that has taken all observations before a
// time, as in a hub that was never stopped.
func (c *City) ValidatorAt(at time.Time, tolerance func() float64) *Validator {
	v := NewValidator(c.Forecaster(), tolerance)
	for _, t := range c.Series[:c.index(at)] {
		v.Observe(t)
	}
	return v
}

// index returns the index of the first observation at or after a time.
func (c *City) index(at time.Time) int {
	n, _ := slices.BinarySearchFunc(c.Series, at, func(t Temperature, at time.Time) int { return t.ValidAt.Compare(at) })
	return n
}
