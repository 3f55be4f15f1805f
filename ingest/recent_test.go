package ingest_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/aimdb-go/aimdb/ingest"
)

// TestRecent: the last refusals of all ways in are kept, with their cause, path and way, and
// no more than a bound of them.
func TestRecent(t *testing.T) {
	w := newWorld(t)
	writer := ingest.New(ingest.Config{Registry: w.registry})
	web := writer.Via("http")
	if _, err := web.Set(attic(), "attic.air", json.RawMessage(`{"celsius":"warm"}`)); err == nil {
		t.Fatal("it is taken")
	}
	writer.Via("mqtt").Refuse(ingest.Unknown, strings.Repeat("ü", 1000), strings.Repeat("x", 100_000))
	got := web.Recent()
	if len(got) != 2 || got[1].Via != "http" || got[1].Path != "/celsius" || got[1].Cause != ingest.Invalid || got[1].Record != "attic.air" || time.Since(got[1].Time) > time.Hour {
		t.Fatalf("got %+v", got)
	}
	if got[0].Via != "mqtt" || len(got[0].Record) > 600 || len(got[0].Reason) > 600 || !json.Valid([]byte(fmt.Sprintf("%q", got[0].Record))) {
		t.Errorf("got %d and %d bytes", len(got[0].Record), len(got[0].Reason))
	}
	for i := range 1000 {
		writer.Refuse(ingest.Dropped, fmt.Sprint(i), "full")
	}
	got = writer.Recent()
	if len(got) != 64 || got[0].Record != "999" || got[63].Record != "936" {
		t.Errorf("%d are kept, from %q to %q", len(got), got[0].Record, got[len(got)-1].Record)
	}
	if counts := web.Counts(); counts.Refused["dropped"] != 1000 || counts.Refused["invalid"] != 1 {
		t.Errorf("counted %+v", counts)
	}
}
