package main

import (
	"fmt"
	"net/url"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/aimdb-go/aimdb/history"
)

// TestEventTimes: values with times of their own come late and unordered, as a record with
// event time stores them. The graph has each at its time; of two of one time, the one that
// was stored last.
func TestEventTimes(t *testing.T) {
	dir := shortDir(t)
	stored := int64(begin+3600) * 1000
	var rows []history.Row
	for n, at := range []int{120, 60, 180, 60, 0} {
		rows = append(rows, history.Row{Record: "accuracy::seattle", Time: int64(begin+at) * 1000, Stored: stored + int64(n), Value: fmt.Appendf(nil, `{"actual_celsius":%d,"valid_at":%q}`, n, time.Unix(int64(begin+at), 0).UTC().Format(time.RFC3339))})
	}
	socket := startHub(t, filepath.Join(dir, "hub"), each(rows))
	form := url.Values{"query": {"weather_actual_celsius"}, "start": {strconv.Itoa(begin)}, "end": {strconv.Itoa(begin + 180)}, "step": {"60"}}
	want := fmt.Sprintf(`"values":[[%d,"4"],[%d,"3"],[%d,"0"],[%d,"2"]]`, begin, begin+60, begin+120, begin+180)
	for name, server := range map[string]string{
		"hub": startAdapter(t, "-connect", socket), "file": startAdapter(t, "-history", filepath.Join(dir, "hub", "history.db")),
	} {
		if got := get(t, server, "/api/v1/query_range", form); !strings.Contains(got, want) {
			t.Errorf("%s: %s, want %s", name, got, want)
		}
	}
}

// TestManyRecords asks for 10,000 series of a real history.
func TestManyRecords(t *testing.T) {
	dir := shortDir(t)
	var rows []history.Row
	for n := range 10_000 {
		rows = append(rows, history.Row{Record: fmt.Sprintf("accuracy::city_%d", n), Time: int64(begin) * 1000, Value: fmt.Appendf(nil, `{"actual_celsius":%d}`, n)})
	}
	fill(t, filepath.Join(dir, "history.db"), each(rows))
	server := startAdapter(t, "-history", filepath.Join(dir, "history.db"))
	form := url.Values{"query": {"count(weather_actual_celsius) + max(weather_actual_celsius)"}, "time": {strconv.Itoa(begin)}}
	if got := get(t, server, "/api/v1/query", form); !strings.Contains(got, `"19999"`) {
		t.Error(got)
	}
	if got := get(t, server, "/api/v1/series", url.Values{"match[]": {"weather_actual_celsius"}}); strings.Count(got, "city_") != 10_000 {
		t.Errorf("%d series", strings.Count(got, "city_"))
	}
}
