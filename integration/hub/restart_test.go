package hub

import (
	"encoding/json"
	"slices"
	"testing"
	"time"

	"github.com/aimdb-go/aimdb/examples/weather"
)

// row is what the command prints of a stored row.
type row struct {
	Record string                     `json:"record"`
	Value  weather.ForecastValidation `json:"value"`
}

// The real binary, killed while it produces as fast as it can, serves after a
// restart a prefix of what it was to produce: day after day without a gap or a
// day that stands twice, in every city.
func TestKilledDemoServesAPrefix(t *testing.T) {
	t.Parallel()
	binary, dir := buildBinary(t), shortDir(t)
	d := startDemo(t, binary, dir, "--pace", "0")
	awaitRows(t, binary, d, 100)
	d.kill()
	d = startDemo(t, binary, dir, "--steps", "0")
	days := map[string][]time.Time{}
	for _, r := range storedRows(t, binary, d) {
		days[r.Record] = append(days[r.Record], r.Value.ValidAt)
	}
	d.interrupt()
	if len(days) != 2 {
		t.Fatalf("history has %d records, want two cities", len(days))
	}
	for record, valid := range days {
		slices.SortFunc(valid, time.Time.Compare)
		for i, day := range valid {
			if want := valid[0].AddDate(0, 0, i); !day.Equal(want) {
				t.Fatalf("%s: %v at place %d, want %v", record, day, i, want)
			}
		}
		if first := time.Date(2012, 1, 2, 0, 0, 0, 0, time.UTC); !valid[0].Equal(first) || len(valid) < 100 {
			t.Errorf("%s: %d days from %v, want 100 or more from %v", record, len(valid), valid[0], first)
		}
	}
}

// awaitRows waits until each city has at least n rows in history.
func awaitRows(t *testing.T, binary string, d *demo, n int) {
	t.Helper()
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); {
		if len(storedRows(t, binary, d)) >= 2*n {
			return
		}
	}
	t.Fatalf("the demo does not store anything\n%s", d.output.String())
}

func storedRows(t *testing.T, binary string, d *demo) []row {
	t.Helper()
	var rows []row
	for _, line := range query(t, binary, d.socket, "accuracy::*", "--limit", "100000") {
		var r row
		if err := json.Unmarshal([]byte(line), &r); err != nil {
			t.Fatalf("%s: %v", line, err)
		}
		rows = append(rows, r)
	}
	return rows
}
