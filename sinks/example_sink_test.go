package sinks_test

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aimdb-go/aimdb/loss"
	"github.com/aimdb-go/aimdb/sinks"
	"github.com/aimdb-go/aimdb/sinks/sinktest"
)

// The sink of docs/how-to/write-a-sink.md passes the suite of all sinks.
func TestExampleSink(t *testing.T) {
	sinktest.Run(t, sinktest.Target{
		Poison: sinks.Entry{Record: "test::poison", Time: 1, Value: []byte("{no JSON")},
		Open: func(t testing.TB, dir string) (sinks.Sink, func()) {
			s, err := openLines(filepath.Join(dir, "batches.json"))
			if err != nil {
				t.Fatal(err)
			}
			return s, func() {
				if err := s.Close(); err != nil {
					t.Error(err)
				}
			}
		},
		Entries:     func(t testing.TB, s sinks.Sink) []sinks.Entry { return stored(t, s).Entries },
		DeadLetters: func(t testing.TB, s sinks.Sink) []sinks.Refusal { return stored(t, s).Refused },
		Losses:      func(t testing.TB, s sinks.Sink) []loss.Loss { return stored(t, s).Losses },
	})
}

// stored reads back all batches as one.
func stored(t testing.TB, s sinks.Sink) (all sinks.Batch) {
	data, err := os.ReadFile(s.(*lineSink).File.Name())
	if err != nil {
		t.Fatal(err)
	}
	for line := range bytes.Lines(data) {
		var b sinks.Batch
		if err := json.Unmarshal(line, &b); err != nil {
			t.Fatal(err)
		}
		all.Entries = append(all.Entries, b.Entries...)
		all.Refused = append(all.Refused, b.Refused...)
		all.Losses = append(all.Losses, b.Losses...)
	}
	return all
}

// docs/how-to/write-a-sink.md shows the example as it is tested.
func TestExampleIsTheDocumented(t *testing.T) {
	code, err := os.ReadFile("example_test.go")
	if err != nil {
		t.Fatal(err)
	}
	document, err := os.ReadFile(filepath.Join("..", "docs", "how-to", "write-a-sink.md"))
	if err != nil {
		t.Fatal(err)
	}
	_, body, _ := strings.Cut(string(code), "\n)\n\n")
	if !strings.Contains(string(document), "```go\n"+body+"```\n") {
		t.Error("docs/how-to/write-a-sink.md does not show what is in example_test.go after its imports")
	}
	if n := strings.Count(body, "\n"); n > 60 {
		t.Errorf("the example has %d lines, want at most 60", n)
	}
}
