package weather

import (
	"slices"
	"time"
)

// Phase is what a hub does at present.
type Phase string

// The phases of a hub.
const (
	// Starting is a hub that has not read the end of its history yet.
	Starting Phase = "starting"
	// Producing is a hub that plays the data.
	Producing Phase = "producing"
	// Ended is a hub that has played all of the data and only serves.
	Ended Phase = "ended"
	// Stopped is a hub that has produced Options.Steps steps and only serves.
	Stopped Phase = "stopped"
	// HistoryOnly is a hub that was started to produce nothing.
	HistoryOnly Phase = "history"
)

// About is the value of record hub.about: what a page says about its data.
type About struct {
	Phase   Phase       `json:"phase"`
	Origins []Origin    `json:"origins"`
	Cities  []AboutCity `json:"cities"`
	PaceMS  int64       `json:"pace_ms"`
	DataEnd time.Time   `json:"data_end"`
}

// AboutCity describes how one city is observed and forecast.
type AboutCity struct {
	City   string `json:"city"`
	Name   string `json:"name"`
	Method string `json:"method"`
	// Daily reports whether there is one value a day.
	Daily bool `json:"daily"`
	// Leads are the hours ahead that the city is forecast for, ascending.
	Leads []int `json:"leads"`
}

// describe returns the description of the cities.
func describe(cities []*City, pace time.Duration) About {
	a := About{Phase: Starting, PaceMS: pace.Milliseconds()}
	for _, c := range cities {
		a.Cities = append(a.Cities, AboutCity{City: c.Key, Name: c.Place.Name, Method: c.Method(), Daily: c.Series.Daily(), Leads: c.Leads()})
		if !slices.Contains(a.Origins, c.Place.Origin) {
			a.Origins = append(a.Origins, c.Place.Origin)
		}
		if end := c.Series[len(c.Series)-1].ValidAt; end.After(a.DataEnd) {
			a.DataEnd = end
		}
	}
	return a
}
