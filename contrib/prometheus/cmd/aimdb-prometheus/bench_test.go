package main

import (
	"fmt"
	"iter"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/aimdb-go/aimdb/history"
)

const (
	week      = 7 * 24 * 60 // minutes
	otherRows = 1_000_000 - week
)

// BenchmarkWeek asks for a week of one number at steps of a minute, 10,080 samples, in a
// history of a million rows.
func BenchmarkWeek(b *testing.B) {
	dir := shortDir(b)
	file := filepath.Join(dir, "history.db")
	c := exec.Command("go", "run", "./scripts/history10m", "-rows", strconv.Itoa(otherRows), "-records", "100", file)
	c.Dir = "../../../.."
	if out, err := c.CombinedOutput(); err != nil {
		b.Fatalf("make the history: %v\n%s", err, out)
	}
	end := time.Now().Unix()/60*60 + 3600 // the hub keeps seven days, of which the benchmark takes some
	socket := startHub(b, dir, everyMinute(end))
	for name, server := range map[string]string{
		"hub":  startAdapter(b, "-connect", socket),
		"file": startAdapter(b, "-history", file),
	} {
		b.Run(name, func(b *testing.B) {
			form := url.Values{
				"query": {`weather_actual_celsius{city="seattle"}`}, "step": {"60"},
				"start": {strconv.FormatInt(end-(week-1)*60, 10)}, "end": {strconv.FormatInt(end, 10)},
			}
			before := processor(b)
			for b.Loop() {
				if got := strings.Count(get(b, server, "/api/v1/query_range", form), `"],[`); got != week-1 {
					b.Fatalf("%d samples, want %d", got+1, week)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Milliseconds())/float64(b.N), "ms/query")
			b.ReportMetric((processor(b)-before).Seconds()*1000/float64(b.N), "cpu-ms/query")
		})
	}
}

// processor is the time that the processes the benchmark has started have used, which other
// work on the machine hardly changes. It is 0 where there is no /proc.
func processor(b *testing.B) time.Duration {
	b.Helper()
	files, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil {
		b.Fatal(err)
	}
	var used time.Duration
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			continue // the process has ended
		}
		_, rest, _ := strings.Cut(string(text), ") ")
		fields := strings.Fields(rest)
		if fields[1] != strconv.Itoa(os.Getpid()) {
			continue // the parent is another one
		}
		for _, ticks := range fields[11:13] {
			n, err := strconv.Atoi(ticks)
			if err != nil {
				b.Fatal(err)
			}
			used += time.Duration(n) * time.Second / 100
		}
	}
	return used
}

// everyMinute yields a week of rows of one city.
func everyMinute(end int64) iter.Seq2[history.Row, error] {
	return func(yield func(history.Row, error) bool) {
		for n := range int64(week) {
			at := (end - (week-1-n)*60) * 1000
			value := fmt.Appendf(nil, `{"city":"seattle","source":"observed","forecast_celsius":%d.25,"actual_celsius":%d.5,"error_celsius":0.25}`, n%30, n%40)
			if !yield(history.Row{Record: "accuracy::seattle", Time: at, Value: value}, nil) {
				return
			}
		}
	}
}
