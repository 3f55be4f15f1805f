package weather

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"
	"time"
)

func logTo(b *bytes.Buffer) *slog.Logger {
	return slog.New(slog.NewTextHandler(b, nil))
}

func TestReadObservationsSkipsMalformedLinesAndSaysWhich(t *testing.T) {
	text := "\ufefftime,city,temperature_c,humidity_pct\r\n" +
		"2025-07-01T01:00:00Z,vienna,20.5,60\r\n" +
		"\r\n" +
		"yesterday,vienna,20.5,60\r\n" + // line 4
		"2025-07-01T02:00:00Z,Wien!,20.5,60\r\n" + // line 5
		"2025-07-01T02:00:00Z,vienna,NaN,60\r\n" + // line 6
		"2025-07-01T02:00:00Z,vienna,\"20,60\r\n" + // line 7
		"2025-07-01T01:00:00Z,vienna,1.0,60\r\n" + // line 8: a second value
		"2025-07-01T02:00:00Z,vienna,1.0\r\n" + // line 9
		"2025-07-01T02:00:00+02:00,vienna,19.5,60" // sorted before, and no line end
	var logged bytes.Buffer
	o, err := ReadObservations("some.csv", strings.NewReader(text), logTo(&logged))
	if err != nil {
		t.Fatal(err)
	}
	s := o["vienna"]
	if len(o) != 1 || len(s) != 2 {
		t.Fatalf("read %v, want two values of vienna", o)
	}
	if !s[0].ValidAt.Equal(time.Date(2025, 7, 1, 0, 0, 0, 0, time.UTC)) || s[0].Celsius != 19.5 || s[1].Celsius != 20.5 {
		t.Errorf("read %v, want 19.5 at midnight and 20.5 an hour later", s)
	}
	for _, line := range []string{"line=4", "line=5", "line=6", "line=7", "line=8", "line=9", "skipped=6 used=2"} {
		if !strings.Contains(logged.String(), line) {
			t.Errorf("the log does not say %q:\n%s", line, &logged)
		}
	}
}

func TestReadObservationsRefusesAFileWithoutAUsableLine(t *testing.T) {
	for name, text := range map[string]string{
		"empty":       "",
		"header only": "time,city,temperature_c\n",
		"other":       "name;value\n1;2\n",
		"malformed":   "time,city,temperature_c\nx,y,z\n",
	} {
		_, err := ReadObservations("bad.csv", strings.NewReader(text), slog.New(slog.DiscardHandler))
		if err == nil || !strings.Contains(err.Error(), "bad.csv") {
			t.Errorf("%s: the error is %v, want one that names the file", name, err)
		}
	}
}

func TestManyFaultsAreCountedButNotAllLogged(t *testing.T) {
	var logged bytes.Buffer
	text := "time,city,temperature_c\n2025-07-01,vienna,20\n" + strings.Repeat("x\n", 500)
	if _, err := ReadObservations("bad.csv", strings.NewReader(text), logTo(&logged)); err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(logged.String(), "malformed"); n != faultsLogged {
		t.Errorf("%d lines logged, want %d", n, faultsLogged)
	}
	if !strings.Contains(logged.String(), "skipped=500") {
		t.Errorf("the log does not count 500 skipped lines:\n%s", &logged)
	}
}

func TestBuiltInDataIsDailyAndComplete(t *testing.T) {
	o, err := BuiltIn()
	if err != nil {
		t.Fatal(err)
	}
	for _, city := range []string{"new_york", "seattle"} {
		s := o[city]
		if len(s) != 1461 || !s.Daily() {
			t.Errorf("%s has %d values, daily %v; want the 1461 days of four years", city, len(s), s.Daily())
		}
	}
	// The first line of the source: Seattle, 2012-01-01, maximum 12.8, minimum 5.0.
	if got := o["seattle"][0].Celsius; got != 8.9 {
		t.Errorf("Seattle's first day has %v °C, want the mean 8.9", got)
	}
}

func FuzzReadObservations(f *testing.F) {
	f.Add("time,city,temperature_c\n2025-07-01,vienna,20\n")
	f.Fuzz(func(t *testing.T, text string) {
		o, err := ReadObservations("fuzz.csv", strings.NewReader(text), slog.New(slog.DiscardHandler))
		if err == nil && len(o) == 0 {
			t.Error("neither an error nor a value")
		}
	})
}
