package weather

import (
	_ "embed"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"time"
)

// dailyCSV is the built-in data; data/generate.go makes it.
//
//go:embed data/daily.csv
var dailyCSV string

// Series are the observations of one city, ordered by time, at most one per
// time.
type Series []Temperature

// Observations are the series of several cities.
type Observations map[string]Series

// Cities returns the names of the cities, sorted.
func (o Observations) Cities() []string {
	return slices.Sorted(maps.Keys(o))
}

// Daily reports whether all observations of the series are at least a day apart.
func (s Series) Daily() bool {
	for i := 1; i < len(s); i++ {
		if s[i].ValidAt.Sub(s[i-1].ValidAt) < 24*time.Hour {
			return false
		}
	}
	return true
}

// BuiltIn returns the daily observations of Seattle and New York, 2012 to 2015.
func BuiltIn() (Observations, error) {
	return ReadObservations("built-in data", strings.NewReader(dailyCSV), slog.New(slog.DiscardHandler))
}

// ReadObservations reads comma-separated lines under the header
// time,city,temperature_c. Further columns are ignored. A time is RFC 3339, or a
// date for daily data. Lines may be in any order. Faults are reported under the
// name file.
func ReadObservations(file string, r io.Reader, logger *slog.Logger) (Observations, error) {
	l, err := newLines(file, r, "time", "city", "temperature_c")
	if err != nil {
		return nil, err
	}
	faults, series, used := newFaults(file, logger), Observations{}, 0
	seen := map[moment]int{}
	for l.next() {
		t, err := l.temperature()
		if err == nil {
			err = claim(seen, moment{t.City, t.ValidAt}, l.number)
		}
		if err != nil {
			faults.add(l.number, err)
			continue
		}
		series[t.City] = append(series[t.City], t)
		used++
	}
	if err := l.err(); err != nil {
		return nil, err
	}
	faults.sum(used)
	if used == 0 {
		return nil, fmt.Errorf("%s has no usable line (%d malformed): a line is a time, a city and a temperature, such as 2025-07-01T00:00:00Z,vienna,20.9", file, faults.Count())
	}
	series.sort()
	return series, nil
}

// moment identifies a line; there may be one line per moment.
type moment struct {
	city string
	at   time.Time
}

// claim returns an error for the second line of a moment.
func claim(seen map[moment]int, m moment, line int) error {
	if first, taken := seen[m]; taken {
		return fmt.Errorf("a second value for %s at %s, the first is in line %d", m.city, m.at.Format(time.RFC3339), first)
	}
	seen[m] = line
	return nil
}

func (o Observations) sort() {
	for _, s := range o {
		slices.SortFunc(s, func(a, b Temperature) int { return a.ValidAt.Compare(b.ValidAt) })
	}
}

// temperature reads the line as an observation.
func (l *lines) temperature() (Temperature, error) {
	if err := l.complete(); err != nil {
		return Temperature{}, err
	}
	at, err := parseTime(l.fields[0])
	if err != nil {
		return Temperature{}, err
	}
	city, err := parseCity(l.fields[1])
	if err != nil {
		return Temperature{}, err
	}
	celsius, err := parseCelsius(l.fields[2])
	if err != nil {
		return Temperature{}, err
	}
	return Temperature{City: city, Celsius: celsius, ValidAt: at}, nil
}
