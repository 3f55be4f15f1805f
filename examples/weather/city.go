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
	// Archive holds archived forecasts, if there are any for the city.
	Archive []Forecast
}

// Forecaster returns a new forecaster of the city that has seen nothing yet.
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

// Method explains in a sentence how the city is forecast.
func (c *City) Method() string {
	switch {
	case len(c.Archive) > 0:
		return "Archived forecasts (" + c.Archive[0].Source + "), up to 24 hours ahead."
	case c.Series.Daily():
		return "24-hour persistence: tomorrow as today, the baseline a forecast has to beat."
	default:
		return "Damped persistence: what is usual at that hour, plus part of today's difference, 1 to 24 hours ahead."
	}
}

// ValidatorAt returns a validator that has seen all observations before a
// time: what a hub would hold that had never been stopped.
func (c *City) ValidatorAt(at time.Time, tolerance func() float64) *Validator {
	v := NewValidator(c.Forecaster(), tolerance)
	for _, t := range c.Series[:c.index(at)] {
		v.Observe(t)
	}
	return v
}

// index is that of the first observation not before a time.
func (c *City) index(at time.Time) int {
	n, _ := slices.BinarySearchFunc(c.Series, at, func(t Temperature, at time.Time) int { return t.ValidAt.Compare(at) })
	return n
}
