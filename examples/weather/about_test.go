package weather

import "testing"

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
	if want := series[len(series)-1].ValidAt; !a.DataEnd.Equal(want) {
		t.Errorf("the data ends at %v, want %v", a.DataEnd, want)
	}
}
