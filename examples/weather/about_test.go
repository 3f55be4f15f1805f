package weather

import (
	"slices"
	"testing"
	"time"
)

func TestAboutNamesTheSourcesWithTheLinkTheyAskFor(t *testing.T) {
	series := hours(48, func(int) float64 { return 1 })
	a := describe([]*City{
		{Key: "vienna", Place: placeOf("vienna", "f.csv"), Series: series},
		{Key: "paris", Place: placeOf("paris", "f.csv"), Series: series},
		{Key: "las_vegas", Place: placeOf("las_vegas", "f.csv"), Series: series},
		{Key: "my_garden", Place: placeOf("my_garden", "f.csv"), Series: series},
	}, 0)
	if len(a.Origins) != 3 {
		t.Fatalf("%d origins, want one of Open-Meteo, one of the airport and one unknown: %+v", len(a.Origins), a.Origins)
	}
	if o := a.Origins[0]; o.URL != "https://open-meteo.com/" || o.LinkText != "Weather data by Open-Meteo.com" || o.Licence != "CC BY 4.0" {
		t.Errorf("Open-Meteo asks for another link than %+v", o)
	}
	if a.Origins[1].Licence != "Public domain" || a.Origins[2].Licence != "unknown" {
		t.Errorf("the others are %+v", a.Origins[1:])
	}
	if c := a.Cities[3]; c.Name != "My Garden" || c.Daily {
		t.Errorf("the last city is %+v", c)
	}
	if c := a.Cities[0]; !slices.Equal(c.Leads, []int{1, 3, 6, 12, 24}) {
		t.Errorf("hourly data is said to be forecast %v hours ahead", c.Leads)
	}
	if want := series[len(series)-1].ValidAt; !a.DataEnd.Equal(want) {
		t.Errorf("the data ends at %v, want %v", a.DataEnd, want)
	}
}

func TestLeadsAreThoseOfTheForecasts(t *testing.T) {
	day := time.Date(2025, 7, 1, 0, 0, 0, 0, time.UTC)
	in := func(hours int) Forecast {
		return Forecast{IssuedAt: day, ValidAt: day.Add(time.Duration(hours) * time.Hour)}
	}
	archived := &City{Series: hours(48, func(int) float64 { return 1 }), Archive: []Forecast{in(12), in(2), in(12)}}
	if got := archived.Leads(); !slices.Equal(got, []int{2, 12}) {
		t.Errorf("archived forecasts reach %v hours ahead, want 2 and 12", got)
	}
	daily := &City{Series: Series{{ValidAt: day}, {ValidAt: day.AddDate(0, 0, 1)}}}
	if got := daily.Leads(); !slices.Equal(got, []int{24}) {
		t.Errorf("daily data is forecast %v hours ahead, want 24", got)
	}
}
