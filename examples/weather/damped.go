package weather

import "time"

// climatologyDays is the number of earlier days in the mean of an hour of the
// day.
const climatologyDays = 14

// DampedPersistence forecasts the mean of the hour of the day, plus a part of
// the present deviation from that mean:
//
//	forecast(v) = C(v) + ρ(L)·(T(t) − C(t))
//
// where t is the time of issue, v = t + L the valid time, T the observed
// temperature and C(v) the mean of T(v − 24 h·k) for k = 1 to 14. ρ was fitted
// by least squares on seven European cities, February to June 2025. It is
// issued every hour for 1, 3, 6, 12 and 24 hours ahead. The first forecasts are
// issued after 14 days, when all observations of the mean exist.
type DampedPersistence struct {
	observed map[int64]float64 // by Unix seconds
	times    []int64           // the keys of observed, oldest first
}

// NewDampedPersistence returns a forecaster without any observation.
func NewDampedPersistence() *DampedPersistence {
	return &DampedPersistence{observed: map[int64]float64{}}
}

// damping is ρ of a lead.
type damping struct {
	lead time.Duration
	rho  float64
}

func dampings() [5]damping {
	return [5]damping{
		{1 * time.Hour, 0.986},
		{3 * time.Hour, 0.937},
		{6 * time.Hour, 0.849},
		{12 * time.Hour, 0.737},
		{24 * time.Hour, 0.696},
	}
}

// Observe implements Forecaster.
func (d *DampedPersistence) Observe(t Temperature) []Forecast {
	d.remember(t)
	usual, ok := d.climatology(t.ValidAt)
	if !ok {
		return nil
	}
	var issued []Forecast
	for _, p := range dampings() {
		valid := t.ValidAt.Add(p.lead)
		then, ok := d.climatology(valid)
		if !ok {
			continue
		}
		issued = append(issued, Forecast{
			City:     t.City,
			Source:   "damped-persistence",
			Celsius:  hundredths(then + p.rho*(t.Celsius-usual)),
			IssuedAt: t.ValidAt,
			ValidAt:  valid,
		})
	}
	return issued
}

// remember adds the observation and removes those too old for any mean.
func (d *DampedPersistence) remember(t Temperature) {
	d.observed[t.ValidAt.Unix()] = t.Celsius
	d.times = append(d.times, t.ValidAt.Unix())
	oldest := t.ValidAt.Add(-climatologyDays * 24 * time.Hour).Unix()
	for d.times[0] < oldest {
		delete(d.observed, d.times[0])
		d.times = d.times[1:]
	}
}

// climatology returns C(v). It exists if the hour was observed on each of its
// days.
func (d *DampedPersistence) climatology(v time.Time) (float64, bool) {
	sum := 0.0
	for k := 1; k <= climatologyDays; k++ {
		celsius, ok := d.observed[v.Add(-24*time.Hour*time.Duration(k)).Unix()]
		if !ok {
			return 0, false
		}
		sum += celsius
	}
	return sum / climatologyDays, true
}
