package sqlite_test

import (
	"bytes"
	"errors"
	"log/slog"
	"strings"
	"testing"

	"github.com/aimdb-go/aimdb/history"
	"github.com/aimdb-go/aimdb/sinks"
	"github.com/aimdb-go/aimdb/sinks/sqlite"
)

// Of a checkpoint and its copy the one that is sound is used; if none is, the file is
// damaged.
func TestADamagedCheckpointIsNoticed(t *testing.T) {
	t.Parallel()
	at := history.Position{Log: "log", Sequence: 2, Message: history.Fingerprint{Time: 5, Hash: 1<<63 + 9}}
	const copyFlipped = "UPDATE aimdb_meta SET value = replace(value, 'log', 'lof') WHERE key = 'checkpoint'"
	for name, c := range map[string]struct {
		statements []string
		said       int
		corrupt    bool
	}{
		"sound":              {},
		"the sequence":       {statements: []string{"UPDATE aimdb_checkpoint SET sequence = 3"}, said: 1},
		"the log":            {statements: []string{"UPDATE aimdb_checkpoint SET log = 'lof'"}, said: 1},
		"the fingerprint":    {statements: []string{"UPDATE aimdb_checkpoint SET message_hash = 9"}, said: 1},
		"the type":           {statements: []string{"UPDATE aimdb_checkpoint SET sequence = 'two'"}, said: 1},
		"the row":            {statements: []string{"DELETE FROM aimdb_checkpoint"}, said: 1},
		"the copy":           {statements: []string{copyFlipped}, said: 1},
		"the copy is absent": {statements: []string{"DELETE FROM aimdb_meta WHERE key = 'checkpoint'"}, said: 1},
		"both":               {statements: []string{copyFlipped, "UPDATE aimdb_checkpoint SET sequence = 3"}, corrupt: true},
	} {
		t.Run(name, func(t *testing.T) {
			path := file(t)
			s, stop := startStop(t, path)
			b := batch(1, entry("a", 1, "1"), entry("a", 2, "2"))
			b.Checkpoint = at
			write(t, s, b)
			stop()
			change(t, path, c.statements...)
			if c.corrupt {
				if _, err := sqlite.Open(path, sqlite.Strict()); !errors.Is(err, sqlite.ErrCorrupt) {
					t.Errorf("strict: %v", err)
				}
				reader := readOnly(t, path)
				if _, err := reader.Position(t.Context()); !errors.Is(err, sqlite.ErrCorrupt) {
					t.Errorf("position: %v", err)
				}
				if v := verify(t, reader); len(v.Problems) != 1 || len(v.Records) != 1 {
					t.Errorf("verify: %+v", v)
				}
				same(t, everything(t, reader), "a 1 1", "a 2 2") // the rows can be read
				same(t, texts(t, reader.Range(t.Context(), history.RangeQuery{Pattern: pattern(t, "a")})), "a 1 1", "a 2 2")
				return
			}
			var said bytes.Buffer
			s, stop = startStop(t, path, sqlite.Logger(slog.New(slog.NewTextHandler(&said, nil))))
			for range 2 {
				if got, err := s.Checkpoint(t.Context()); err != nil || got != at {
					t.Errorf("checkpoint %v, %v, want %v", got, err, at)
				}
			}
			if v := verify(t, s); len(v.Problems) != c.said || v.Position != at {
				t.Errorf("verify: %+v", v)
			}
			if err := s.Write(t.Context(), batch(1, entry("a", 1, "1"), entry("a", 2, "2"))); !errors.Is(err, sinks.ErrCheckpointMoved) {
				t.Errorf("a batch that is stored: %v", err)
			}
			if c.said > 0 {
				if _, err := s.Repair(t.Context(), noLog(t)); err != nil {
					t.Error(err)
				}
			}
			clean(t, s, 2, 0)
			if n := strings.Count(said.String(), "level=ERROR"); n != c.said {
				t.Errorf("said %d times, want %d: %s", n, c.said, &said)
			}
			stop()
		})
	}
}

// FuzzCheckpoint: only the copy itself is taken.
func FuzzCheckpoint(f *testing.F) {
	for _, p := range []history.Position{{}, {Log: "a b", Sequence: 1<<64 - 1}, {Log: "log", Sequence: 7, Message: history.Fingerprint{Time: -1, Hash: 1 << 63}}} {
		text := sqlite.FormatCheckpoint(p)
		f.Add(text)
		for i := range text {
			flipped := []byte(text)
			flipped[i] ^= 1
			f.Add(string(flipped))
			if _, ok := sqlite.ParseCheckpoint(string(flipped)); ok {
				f.Errorf("%q was taken for %q", flipped, text)
			}
		}
		if got, ok := sqlite.ParseCheckpoint(text); !ok || got != p {
			f.Errorf("%q is %+v, want %+v", text, got, p)
		}
	}
	f.Fuzz(func(t *testing.T, text string) {
		if p, ok := sqlite.ParseCheckpoint(text); ok && sqlite.FormatCheckpoint(p) != text {
			t.Errorf("%q was read as %+v", text, p)
		}
	})
}
