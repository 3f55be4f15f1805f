package weather

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aimdb-go/aimdb"
)

func TestRunSaysWhatIsWrong(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	text := filepath.Join(t.TempDir(), "history.db")
	if err := os.WriteFile(text, []byte("no database, and not to be changed"), 0o644); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		options Options
		want    string
	}{
		"no directory":            {Options{}, "data directory"},
		"a file as directory":     {Options{DataDir: text}, text},
		"not a database":          {Options{DataDir: filepath.Dir(text)}, text},
		"no such observations":    {Options{DataDir: t.TempDir(), Observations: "no.csv"}, "no.csv"},
		"forecasts of nothing":    {Options{DataDir: t.TempDir(), Forecasts: "f.csv"}, "f.csv"},
		"an address that is used": {Options{DataDir: t.TempDir(), HTTP: taken.Addr().String()}, taken.Addr().String()},
		"an unknown scheme":       {Options{DataDir: t.TempDir(), AimX: []string{"gopher://x"}}, "gopher"},
	} {
		t.Run(name, func(t *testing.T) {
			err := Run(t.Context(), c.options)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("the error is %v, want one that names %q", err, c.want)
			}
		})
	}
	if got, err := os.ReadFile(text); err != nil || string(got) != "no database, and not to be changed" {
		t.Errorf("what was there is now %q, %v", got, err)
	}
}

// signal is the output of a hub. It calls heard after the hub has written word.
type signal struct {
	bytes.Buffer
	word  string
	heard context.CancelFunc
}

func (s *signal) Write(p []byte) (int, error) {
	n, err := s.Buffer.Write(p)
	if strings.Contains(s.String(), s.word) {
		s.heard()
	}
	return n, err
}

// until runs a hub until it writes a word, and returns what it wrote.
func until(t *testing.T, word string, o Options) string {
	t.Helper()
	ctx, heard := context.WithCancel(t.Context())
	out := &signal{word: word, heard: heard}
	o.Out = out
	if err := Run(ctx, o); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

func TestTheHubContinuesAfterItsHistoryToTheEndAndSaysSo(t *testing.T) {
	dir := t.TempDir()
	data := filepath.Join(dir, "days.csv")
	text := "time,city,temperature_c\n2025-07-01,graz,20\n2025-07-02,graz,22.5\n2025-07-03,graz,19\n2025-07-04,graz,18\n"
	if err := os.WriteFile(data, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	o := Options{DataDir: filepath.Join(dir, "data"), Observations: data, Steps: 2, Logger: slog.New(slog.DiscardHandler)}
	if said := until(t, "serving on", o); !strings.Contains(said, "Stopped after 2 steps, at 2025-07-02T00:00:00Z") {
		t.Errorf("after two steps it says:\n%s", said)
	}
	o.Steps = -1
	said := until(t, "serving on", o)
	for _, want := range []string{"History reaches to 2025-07-02T00:00:00Z", "The data ends at 2025-07-04T00:00:00Z"} {
		if !strings.Contains(said, want) {
			t.Errorf("at the end it does not say %q:\n%s", want, said)
		}
	}
	if strings.Index(said, "Weather hub") > strings.Index(said, "History reaches") {
		t.Errorf("the greeting does not come first:\n%s", said)
	}
	if said := until(t, "serving on", o); !strings.Contains(said, "The data ends") {
		t.Errorf("started again at the end it says:\n%s", said)
	}
	errs := history(t, o)
	if want := []float64{-2.5, 3.5, 1}; len(errs) != 3 || errs[0] != want[0] || errs[1] != want[1] || errs[2] != want[2] {
		t.Errorf("the errors in history are %v, want %v", errs, want)
	}
}

// history returns the errors of the only city, oldest first.
func history(t *testing.T, o Options) []float64 {
	t.Helper()
	db, err := open(o)
	if err != nil {
		t.Fatal(err)
	}
	rows, err := aimdb.QueryLatest[ForecastValidation](t.Context(), db, "accuracy::*", 10)
	if err := errors.Join(err, db.Close()); err != nil {
		t.Fatal(err)
	}
	var found []float64
	for i := len(rows) - 1; i >= 0; i-- {
		found = append(found, rows[i].Value.ErrorCelsius)
	}
	return found
}
