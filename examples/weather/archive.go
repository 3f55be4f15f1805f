package weather

import (
	"cmp"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"time"
)

// archiveLeads is the number of hourly forecasts in a line of an archive.
const archiveLeads = 24

// Archive holds the archived forecasts of several cities.
type Archive map[string][]Forecast

// ReadForecasts reads comma-separated lines under the header
// issued_at,city,source,t01 to t24: the temperatures in °C forecast for 1 to
// 24 hours after issued_at. A temperature that was not forecast is empty. Faults
// are reported under the name file.
func ReadForecasts(file string, r io.Reader, logger *slog.Logger) (Archive, error) {
	l, err := newLines(file, r, archiveColumns()...)
	if err != nil {
		return nil, err
	}
	faults, archive, used := newFaults(file, logger), Archive{}, 0
	seen := map[moment]int{}
	for l.next() {
		fs, err := l.forecasts()
		if err == nil {
			err = claim(seen, moment{fs[0].City + " from " + fs[0].Source, fs[0].IssuedAt}, l.number)
		}
		if err != nil {
			faults.add(l.number, err)
			continue
		}
		archive[fs[0].City] = append(archive[fs[0].City], fs...)
		used++
	}
	if err := l.err(); err != nil {
		return nil, err
	}
	faults.sum(used)
	if used == 0 {
		return nil, fmt.Errorf("%s has no usable line (%d malformed): a line is a time of issue, a city, a source and %d temperatures", file, faults.Count(), archiveLeads)
	}
	for _, fs := range archive {
		slices.SortStableFunc(fs, func(a, b Forecast) int { return a.IssuedAt.Compare(b.IssuedAt) })
	}
	return archive, nil
}

func archiveColumns() []string {
	columns := []string{"issued_at", "city", "source"}
	for lead := 1; lead <= archiveLeads; lead++ {
		columns = append(columns, fmt.Sprintf("t%02d", lead))
	}
	return columns
}

// forecasts reads the line as the forecasts of one time of issue. It returns at
// least one forecast or an error.
func (l *lines) forecasts() ([]Forecast, error) {
	if err := l.complete(); err != nil {
		return nil, err
	}
	issued, err := parseTime(l.fields[0])
	if err != nil {
		return nil, err
	}
	city, err := parseCity(l.fields[1])
	if err != nil {
		return nil, err
	}
	source := l.fields[2]
	if source == "" {
		return nil, fmt.Errorf("no source")
	}
	var fs []Forecast
	for i, field := range l.fields[3 : 3+archiveLeads] {
		if field == "" {
			continue
		}
		celsius, err := parseCelsius(field)
		if err != nil {
			return nil, fmt.Errorf("t%02d: %w", i+1, err)
		}
		valid := issued.Add(time.Duration(i+1) * time.Hour)
		fs = append(fs, Forecast{City: city, Source: source, Celsius: celsius, IssuedAt: issued, ValidAt: valid})
	}
	if len(fs) == 0 {
		return nil, fmt.Errorf("no temperature")
	}
	return fs, nil
}

// Archived issues the archived forecasts of one city at their time of issue.
type Archived struct {
	waiting []Forecast
}

// NewArchived returns a forecaster of forecasts that are sorted by time of
// issue.
func NewArchived(forecasts []Forecast) *Archived {
	return &Archived{waiting: forecasts}
}

// Observe implements Forecaster. It returns the forecasts that were issued up to
// the time of the observation. After an hour without an observation, forecasts
// are returned late, but each is returned once and none before it was issued.
func (a *Archived) Observe(t Temperature) []Forecast {
	n, _ := slices.BinarySearchFunc(a.waiting, t.ValidAt, func(f Forecast, at time.Time) int {
		return cmp.Or(f.IssuedAt.Compare(at), -1) // after those issued at the same time
	})
	issued := a.waiting[:n]
	a.waiting = a.waiting[n:]
	return issued
}
