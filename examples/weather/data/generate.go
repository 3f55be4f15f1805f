//go:build ignore

// Generate reduces the weather.csv of the npm package vega-datasets to
// daily.csv, the hub's built-in data: date, city, and the mean of the day's
// maximum and minimum temperature in °C, to a tenth of a degree.
//
// The data are daily summaries of the US National Oceanic and Atmospheric
// Administration (NOAA), public domain, for Seattle and New York, 2012 to 2015.
//
//	npm pack vega-datasets && tar xzf vega-datasets-*.tgz
//	go run generate.go package/data/weather.csv > daily.csv
package main

import (
	"encoding/csv"
	"fmt"
	"log"
	"math"
	"os"
	"sort"
	"strconv"
)

var keys = map[string]string{"Seattle": "seattle", "New York": "new_york"}

func main() {
	if len(os.Args) != 2 {
		log.Fatal("usage: go run generate.go path/to/vega-datasets/data/weather.csv > daily.csv")
	}
	f, err := os.Open(os.Args[1])
	if err != nil {
		log.Fatal(err)
	}
	defer f.Close()
	rows, err := csv.NewReader(f).ReadAll()
	if err != nil {
		log.Fatal(err)
	}
	lines := make([]string, 0, len(rows))
	for _, r := range rows[1:] { // location,date,precipitation,temp_max,temp_min,wind,weather
		key, ok := keys[r[0]]
		if !ok {
			log.Fatalf("unknown location %q", r[0])
		}
		mean := (number(r[3]) + number(r[4])) / 2
		lines = append(lines, fmt.Sprintf("%s,%s,%.1f", r[1], key, math.Round(mean*10)/10))
	}
	sort.Strings(lines)
	fmt.Println("time,city,temperature_c")
	for _, l := range lines {
		fmt.Println(l)
	}
}

func number(s string) float64 {
	v, err := strconv.ParseFloat(s, 64)
	if err != nil {
		log.Fatal(err)
	}
	return v
}
