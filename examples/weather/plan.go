package weather

import (
	"slices"
	"time"
)

// Step is the values of all cities at one time.
type Step struct {
	ValidAt time.Time
	// Values has at most one value per city.
	Values []Temperature
}

// Value returns the value of a city.
func (s Step) Value(city string) (Temperature, bool) {
	for _, t := range s.Values {
		if t.City == city {
			return t, true
		}
	}
	return Temperature{}, false
}

// Plan holds the steps that remain, and for each city the last validation in
// history.
type Plan struct {
	Steps []Step
	Marks map[string]Mark
	// Last is the last valid time in history; zero if there is none.
	Last time.Time
}

// NewPlan returns the plan that continues after the last validation of each city
// in history. A kill of the process can leave one city with fewer rows than
// another; the plan starts with the steps of the missing rows.
func NewPlan(cities []*City, last []ForecastValidation) Plan {
	p := Plan{Marks: map[string]Mark{}}
	for _, v := range last {
		p.Marks[v.City] = MarkOf(v)
	}
	for _, c := range cities {
		if m := p.Marks[c.Key]; m.Valid.After(p.Last) {
			p.Last = m.Valid
		}
	}
	byTime := map[time.Time]*Step{}
	for _, c := range cities {
		for _, t := range c.Series[c.resume(p.Marks[c.Key], p.Last):] {
			s := byTime[t.ValidAt]
			if s == nil {
				s = &Step{ValidAt: t.ValidAt}
				byTime[t.ValidAt] = s
			}
			s.Values = append(s.Values, t)
		}
	}
	for _, s := range byTime {
		p.Steps = append(p.Steps, *s)
	}
	slices.SortFunc(p.Steps, func(a, b Step) int { return a.ValidAt.Compare(b.ValidAt) })
	return p
}

// resume returns the index of the first observation to produce: the first one up
// to the last time in history whose validations history lacks, or else the first
// one after that time.
func (c *City) resume(m Mark, last time.Time) int {
	v := NewValidator(c.Forecaster(), func() float64 { return 0 })
	for i, t := range c.Series {
		if t.ValidAt.After(last) {
			return i
		}
		if made := v.Observe(t); len(made) > 0 && m.Before(made[len(made)-1]) {
			return i
		}
	}
	return len(c.Series)
}
