package ndjson_test

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aimdb-go/aimdb/history"
	"github.com/aimdb-go/aimdb/sinks"
	"github.com/aimdb-go/aimdb/sinks/ndjson"
)

func entriesOf(t testing.TB, path string) (all []sinks.Entry) {
	t.Helper()
	for e, err := range ndjson.Entries(path) {
		if err != nil {
			t.Fatal(err)
		}
		e.Value = bytes.Clone(e.Value)
		all = append(all, e)
	}
	return all
}

// TestEntries: what was written is read, from an open file too, and without what is
// damaged.
func TestEntries(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir, ndjson.Sequences())
	odd := &sinks.Batch{Checkpoint: history.Position{Log: "log", Sequence: 1}}
	odd.Entries = []sinks.Entry{{Sequence: 1, Record: `a<b&,"time":`[:4] + "ü", Time: 5, Value: []byte(`{"a":",\"value\":","sequence":7}`)}}
	write(t, s, odd)
	for n := range 3 {
		write(t, s, batch(n*10+2, n*10+11))
	}
	path := dataFiles(t, dir)[0]
	got := entriesOf(t, path)
	if len(got) != 31 || got[0].Record != odd.Entries[0].Record || got[0].Time != 5 || !bytes.Equal(got[0].Value, odd.Entries[0].Value) {
		t.Fatalf("%d entries, the first is %+v", len(got), got[0])
	}
	for i, e := range got {
		if e.Sequence != uint64(i+1) || i > 0 && (e.Time != int64(i+1) || !bytes.Equal(e.Value, value(i+1))) {
			t.Fatalf("entry %d is %+v", i+1, e)
		}
	}
	data := read(t, path)
	data[len(data)/2] ^= 1
	put(t, path, data)
	if got := entriesOf(t, path); len(got) != 21 || got[20].Sequence != 31 {
		t.Errorf("%d entries of the damaged file", len(got))
	}
	for _, err := range ndjson.Entries(filepath.Join(dir, "absent")) {
		if err == nil {
			t.Error("an absent file was read")
		}
	}
}

// TestSequences: lines have them only if asked.
func TestSequences(t *testing.T) {
	for want, opts := range map[string][]ndjson.Option{`"time":1,"value"`: nil, `"time":1,"sequence":1,"value"`: {ndjson.Sequences()}} {
		dir := t.TempDir()
		write(t, open(t, dir, opts...), batch(1, 1))
		text, err := decompress(t, dataFiles(t, dir)[0])
		if err != nil || !strings.Contains(string(text), want) {
			t.Errorf("the line is %s (%v), want %s", text, err, want)
		}
		if got := entriesOf(t, dataFiles(t, dir)[0]); len(got) != 1 || got[0].Sequence != uint64(len(opts)) {
			t.Errorf("entries %+v", got)
		}
	}
}

// TestDelete: files that are copied elsewhere go, but not the one with the checkpoint.
func TestDelete(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir)
	var names []string
	for n := range 3 {
		write(t, s, batch(n*10+1, n*10+10))
		if err := s.Rotate(); err != nil {
			t.Fatal(err)
		}
		names = append(names, s.Files()[n].Name)
	}
	if err := s.Delete(names[0], "absent"); err != nil {
		t.Fatal(err)
	}
	if got := rows(t, dir); len(got) != 20 || got[0].Time != 11 {
		t.Errorf("%d rows", len(got))
	}
	if err := s.Delete(names...); err != nil {
		t.Fatal(err)
	}
	manifestHolds(t, dir)
	if got := rows(t, dir); len(got) != 10 {
		t.Errorf("%d rows, want those of the file with the checkpoint", len(got))
	}
	closeSink(t, s)
	if err := s.Delete(); err == nil {
		t.Error("a closed sink deletes")
	}
	s = open(t, dir)
	if at(t, s) != 30 {
		t.Errorf("the checkpoint is %d", at(t, s))
	}
	write(t, s, batch(31, 40))
	if err := s.Delete(names...); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(dir, names[2])); !os.IsNotExist(err) {
		t.Errorf("the file that is not the newest any more: %v", err)
	}
}
