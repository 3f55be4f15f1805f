package weather

import "strings"

// Origin is the source of observations, as a page shows it.
type Origin struct {
	// Text names the provider and the kind of data.
	Text string `json:"text"`
	// Licence names the terms.
	Licence string `json:"licence"`
	// LinkText and URL are the link that the licence asks for, if any.
	LinkText string `json:"link_text,omitempty"`
	URL      string `json:"url,omitempty"`
}

// Place describes a city.
type Place struct {
	// Name is the name that a page shows.
	Name string
	// Origin is the source of its observations.
	Origin Origin
}

// dailySummary is the origin of the built-in data.
func dailySummary() Origin {
	return Origin{
		Text: "Observed: daily summaries of the US National Oceanic and Atmospheric Administration (NOAA), " +
			"2012 to 2015, as published in the npm package vega-datasets. " +
			"A day's temperature is the mean of its maximum and minimum.",
		Licence: "Public domain",
	}
}

// openMeteo is a model analysis. A page must not present it as a thermometer
// reading. Its licence asks for the link.
func openMeteo() Origin {
	return Origin{
		Text:     "Observed: gridded model analysis served by Open-Meteo, not thermometer readings. Changes made: selection, °F to °C (New York), reshaping.",
		Licence:  "CC BY 4.0",
		LinkText: "Weather data by Open-Meteo.com",
		URL:      "https://open-meteo.com/",
	}
}

// airport is the thermometer of an airport.
func airport() Origin {
	return Origin{
		Text:    "Observed: hourly METAR airport reports of NOAA / the US National Weather Service.",
		Licence: "Public domain",
	}
}

// placeOf returns the place of a city in a file of observations. The origin of an
// unknown city is the file.
func placeOf(city, file string) Place {
	known := map[string]Place{
		"amsterdam": {Name: "Amsterdam", Origin: openMeteo()},
		"berlin":    {Name: "Berlin", Origin: openMeteo()},
		"las_vegas": {Name: "Las Vegas", Origin: airport()},
		"new_york":  {Name: "New York", Origin: openMeteo()},
		"paris":     {Name: "Paris", Origin: openMeteo()},
		"rome":      {Name: "Rome", Origin: openMeteo()},
		"stockholm": {Name: "Stockholm", Origin: openMeteo()},
		"vienna":    {Name: "Vienna", Origin: openMeteo()},
		"warsaw":    {Name: "Warsaw", Origin: openMeteo()},
	}
	if p, ok := known[city]; ok {
		return p
	}
	return Place{Name: nameOf(city), Origin: Origin{Text: "Observed: file " + file + ", which names no source.", Licence: "unknown"}}
}

// nameOf turns new_york into New York.
func nameOf(city string) string {
	words := strings.FieldsFunc(city, func(r rune) bool { return r == '_' || r == '-' })
	for i, w := range words {
		words[i] = strings.ToUpper(w[:1]) + w[1:]
	}
	return strings.Join(words, " ")
}
