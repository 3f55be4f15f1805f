package weather

import (
	"bytes"
	"strings"
	"testing"
	"time"
)

func archiveLine(issued, city, each string) string {
	return issued + "," + city + ",test," + strings.TrimSuffix(strings.Repeat(each+",", archiveLeads), ",")
}

func TestReadForecasts(t *testing.T) {
	header := strings.Join(archiveColumns(), ",")
	text := strings.Join([]string{
		header,
		archiveLine("2025-07-01T06:00:00Z", "vienna", "21.5"),
		archiveLine("2025-07-01T00:00:00Z", "vienna", "20.5"),
		archiveLine("2025-07-01T00:00:00Z", "vienna", "1"),    // line 4: twice
		archiveLine("2025-07-01T12:00:00Z", "vienna", "warm"), // line 5
		archiveLine("2025-07-01T12:00:00Z", "vienna", ""),     // line 6: nothing forecast
		"2025-07-01T18:00:00Z,vienna,test,1,2",                // line 7
		"2025-07-01T18:00:00Z,vienna,,1" + strings.Repeat(",", 23),
		"2025-07-01T18:00:00Z,vienna,test,3.5" + strings.Repeat(",", 23),
	}, "\n")
	var logged bytes.Buffer
	a, err := ReadForecasts("f.csv", strings.NewReader(text), logTo(&logged))
	if err != nil {
		t.Fatal(err)
	}
	fs := a["vienna"]
	if len(fs) != 49 {
		t.Fatalf("%d forecasts, want 24, 24 and 1", len(fs))
	}
	first, last := fs[0], fs[48]
	if first.Celsius != 20.5 || first.ValidAt.Sub(first.IssuedAt) != time.Hour || last.Celsius != 3.5 {
		t.Errorf("the first is %+v and the last %+v", first, last)
	}
	for _, line := range []string{"line=4", "line=5", "line=6", "line=7", "line=8", "skipped=5 used=3"} {
		if !strings.Contains(logged.String(), line) {
			t.Errorf("the log does not say %q:\n%s", line, &logged)
		}
	}
}

func TestReadForecastsRefusesAFileWithoutAUsableLine(t *testing.T) {
	header := strings.Join(archiveColumns(), ",")
	for name, text := range map[string]string{"empty": "", "header": header, "observations": "time,city,temperature_c\n"} {
		var logged bytes.Buffer
		if _, err := ReadForecasts("bad.csv", strings.NewReader(text), logTo(&logged)); err == nil || !strings.Contains(err.Error(), "bad.csv") {
			t.Errorf("%s: the error is %v, want one that names the file", name, err)
		}
	}
}

func TestArchivedIssuesEachForecastOnceAndNotTooEarly(t *testing.T) {
	day := time.Date(2025, 7, 1, 0, 0, 0, 0, time.UTC)
	fs := []Forecast{
		{Source: "a", IssuedAt: day, ValidAt: day.Add(time.Hour)},
		{Source: "b", IssuedAt: day.Add(2 * time.Hour), ValidAt: day.Add(3 * time.Hour)},
		{Source: "c", IssuedAt: day.Add(2 * time.Hour), ValidAt: day.Add(4 * time.Hour)},
		{Source: "d", IssuedAt: day.Add(5 * time.Hour), ValidAt: day.Add(6 * time.Hour)},
	}
	a := NewArchived(fs)
	var got []string
	for h := range 8 {
		if h == 2 {
			continue // not observed: its forecasts come with the next hour
		}
		s := ""
		for _, f := range a.Observe(Temperature{ValidAt: day.Add(time.Duration(h) * time.Hour)}) {
			s += f.Source
		}
		got = append(got, s)
	}
	if want := "a,,bc,,d,,"; strings.Join(got, ",") != want {
		t.Errorf("issued %q, want %q", strings.Join(got, ","), want)
	}
}
