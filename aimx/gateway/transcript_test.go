package gateway_test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/aimdb-go/aimdb/history"
	"github.com/aimdb-go/aimdb/records"
)

// TestTranscripts replays each transcript over each transport. testdata/transcripts/README
// says how they are written.
func TestTranscripts(t *testing.T) {
	paths, err := filepath.Glob("testdata/transcripts/*.txt")
	if err != nil || len(paths) == 0 {
		t.Fatalf("%d transcripts, %v", len(paths), err)
	}
	for _, path := range paths {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for _, transport := range []string{"unix", "tcp", "websocket"} {
			t.Run(strings.TrimSuffix(filepath.Base(path), ".txt")+" over "+transport, func(t *testing.T) {
				replay(t, transport, string(text))
			})
		}
	}
}

func replay(t *testing.T, transport, transcript string) {
	h := open(t)
	h.history.rows = []history.Row{
		{ID: 1, Record: "attic.co2", Time: 5, Value: []byte(`{"ppm":598}`)},
		{ID: 2, Record: "attic.co2", Time: 9, Value: []byte(`{"ppm":612}`)},
	}
	p := h.peers(t)[transport]
	frames := 0
	for line := range strings.Lines(transcript) {
		kind, rest, _ := strings.Cut(strings.TrimSuffix(line, "\n"), " ")
		kind, only, limited := strings.Cut(strings.TrimSuffix(kind, ")"), "(")
		if limited && !slices.Contains(strings.Split(only, ","), transport) {
			continue
		}
		switch kind {
		case "#":
		case "!":
			h.produce(t, rest)
		case ">":
			p.send(t, rest)
		case "<":
			frames++
			if got := withoutMessage(t, p.next(t)); got != rest {
				t.Fatalf("frame %d\ngot  %s\nwant %s", frames, got, rest)
			}
		default:
			t.Fatalf("cannot read the line %q", line)
		}
	}
	barrier(t, p) // nothing else came
}

// produce gives a record a reading, written as "KEY N".
func (h *fixture) produce(t *testing.T, step string) {
	t.Helper()
	name, number, _ := strings.Cut(step, " ")
	n, err := strconv.Atoi(number)
	record := map[string]*records.Record[reading]{"attic.co2": h.co2, "attic.door": h.door}[name]
	if err != nil || record == nil {
		t.Fatal(fmt.Errorf("cannot produce %q: %w", step, err))
	}
	record.Produce(reading{PPM: n})
}
