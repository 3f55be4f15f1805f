package parquet_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aimdb-go/aimdb/sinks"
	"github.com/aimdb-go/aimdb/sinks/ndjson"
	"github.com/aimdb-go/aimdb/sinks/parquet"
)

// listed fails unless the manifests name all Parquet files, as they are, and tmp is
// empty.
func listed(t testing.TB, dir string) {
	t.Helper()
	manifests, err := parquet.ReadManifests(dir)
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for _, m := range manifests {
		for _, f := range m.Files {
			n++
			data, err := os.ReadFile(filepath.Join(dir, filepath.FromSlash(f.Name)))
			if err != nil {
				t.Fatal(err)
			}
			sum := sha256.Sum256(data)
			got := rows(t, filepath.Join(dir, filepath.FromSlash(f.Name)))
			first, last := got[0], got[len(got)-1]
			if hex.EncodeToString(sum[:]) != f.SHA256 || int64(len(data)) != f.Bytes || int64(len(got)) != f.Rows ||
				first.Sequence != f.FirstSequence || last.Sequence != f.LastSequence || first.Time != f.FirstTime || last.Time != f.LastTime {
				t.Fatalf("%+v is not the file: %d bytes, %d rows from %+v to %+v", f, len(data), len(got), first, last)
			}
		}
	}
	if files := parquetFiles(t, dir); len(files) != n {
		t.Errorf("%d files, %d of them listed: %v", len(files), n, files)
	}
	if left := glob(t, dir, "tmp", "*"); len(left) > 0 {
		t.Errorf("left in tmp: %v", left)
	}
}

// TestConvert: a conversion makes one file for each record and day, and the staged file
// goes when the next one has the checkpoint.
func TestConvert(t *testing.T) {
	dir := t.TempDir()
	s := open(t, parquet.Config{Dir: dir})
	write(t, s, batch(1, 100))
	rotate(t, s)
	holds(t, dir, 100)
	listed(t, dir)
	if files := parquetFiles(t, dir); len(files) != 9 || !strings.HasPrefix(files[0], filepath.Join(dir, "record=test%3A%3Ar0", "day=1970-01-01", "00000001-")) || !strings.HasSuffix(files[0], "-3-39.parquet") {
		t.Errorf("files %v", files)
	}
	write(t, s, batch(101, 130))
	rotate(t, s)
	holds(t, dir, 130)
	if staged := stagedFiles(t, dir); len(staged) != 1 {
		t.Errorf("staged files %v, want the one with the checkpoint", staged)
	}
}

// TestConvertAgain: a conversion that was killed before its manifest is done again, with
// the same files.
func TestConvertAgain(t *testing.T) {
	dir := t.TempDir()
	s := open(t, parquet.Config{Dir: dir})
	write(t, s, batch(1, 100))
	rotate(t, s)
	closeSink(t, s)
	before := parquetFiles(t, dir)
	for _, path := range glob(t, dir, "manifest", "*.json") {
		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
	}
	for i, path := range append(before[:2:2], filepath.Join(dir, "tmp", "run-99.partial")) {
		if err := os.WriteFile(path, []byte("half")[:i+1], 0o600); err != nil {
			t.Fatal(err)
		}
	}
	s = open(t, parquet.Config{Dir: dir})
	rotate(t, s)
	holds(t, dir, 100)
	listed(t, dir)
	if after := parquetFiles(t, dir); strings.Join(after, " ") != strings.Join(before, " ") {
		t.Errorf("files %v, want %v", after, before)
	}
}

// TestSameSequences: two logs have values with the same sequences, and no file of one
// replaces one of the other.
func TestSameSequences(t *testing.T) {
	dir := t.TempDir()
	s := open(t, parquet.Config{Dir: dir})
	for _, log := range []string{"one", "two"} {
		b := batch(1, 30)
		b.Checkpoint.Log = log
		write(t, s, b)
	}
	rotate(t, s)
	if got := entries(t, dir); len(got) != 60 {
		t.Errorf("%d rows of two logs, want 60", len(got))
	}
	listed(t, dir)
}

// TestConversionFails: batches are stored while conversions fail, until too many staged
// files wait. Nothing is lost.
func TestConversionFails(t *testing.T) {
	dir := t.TempDir()
	s := open(t, parquet.Config{Dir: dir, RotateBytes: 1})
	obstacle := filepath.Join(dir, "record=test%3A%3Ar1")
	if err := os.WriteFile(obstacle, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	n := 0
	for ; n < 30; n++ {
		at, err := s.Checkpoint(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		b := batch(n+1, n+1)
		b.Previous = at
		if err := s.Write(t.Context(), b); err != nil {
			if sinks.Refused(err) {
				t.Fatal(err)
			}
			break
		}
	}
	if n != 18 { // 17 that wait, and the open one
		t.Errorf("%d batches were stored before the outage", n)
	}
	if err := s.Rotate(t.Context()); err == nil || !strings.Contains(err.Error(), "convert the staged file") {
		t.Errorf("the conversion gave %v", err)
	}
	if err := os.Remove(obstacle); err != nil {
		t.Fatal(err)
	}
	rotate(t, s)
	write(t, s, batch(n+1, 40))
	rotate(t, s)
	holds(t, dir, 40)
	listed(t, dir)
}

// TestDamagedStage: rows that cannot be read are counted, and the staged file stays.
func TestDamagedStage(t *testing.T) {
	dir := t.TempDir()
	s := open(t, parquet.Config{Dir: dir})
	for n := range 3 {
		write(t, s, batch(n*10+1, n*10+10))
	}
	closeSink(t, s)
	staged := stagedFiles(t, dir)[0]
	data, err := os.ReadFile(staged)
	if err != nil {
		t.Fatal(err)
	}
	data[len(data)/2] ^= 1
	if err := os.WriteFile(staged, data, 0o600); err != nil {
		t.Fatal(err)
	}
	s = open(t, parquet.Config{Dir: dir})
	rotate(t, s)
	write(t, s, batch(31, 40))
	rotate(t, s)
	manifests, err := parquet.ReadManifests(dir)
	if err != nil || len(manifests) != 2 || manifests[0].DamagedRows != 10 || manifests[1].DamagedRows != 0 {
		t.Errorf("manifests %+v, %v", manifests, err)
	}
	if got := entries(t, dir); len(got) != 30 || got[9].Sequence != 10 || got[10].Sequence != 21 {
		t.Errorf("%d rows", len(got))
	}
	if files := stagedFiles(t, dir); len(files) != 2 {
		t.Errorf("staged files %v, want the damaged one and the newest", files)
	}
}

// TestRetention: the oldest files go, with their directories and manifest.
func TestRetention(t *testing.T) {
	for name, c := range map[string]parquet.Config{"bytes": {KeepBytes: 1}, "age": {KeepFor: time.Hour}} {
		t.Run(name, func(t *testing.T) {
			c.Dir = t.TempDir()
			s := open(t, c)
			write(t, s, batch(1, 100))
			rotate(t, s)
			holds(t, c.Dir, 100) // it has the checkpoint
			now := batch(101, 101)
			now.Entries[0].Time = time.Now().UnixMilli()
			write(t, s, now)
			rotate(t, s)
			if got := entries(t, c.Dir); len(got) != 1 || got[0].Sequence != 101 {
				t.Errorf("%d rows", len(got))
			}
			listed(t, c.Dir)
			if dirs := glob(t, c.Dir, "record=*", "*"); len(dirs) != 1 {
				t.Errorf("directories %v", dirs)
			}
		})
	}
}

func TestOpen(t *testing.T) {
	for name, c := range map[string]parquet.Config{"no directory": {}, "bytes": {Dir: t.TempDir(), KeepBytes: -1}, "age": {Dir: t.TempDir(), RotateEvery: -1}} {
		if _, err := parquet.Open(t.Context(), c); err == nil {
			t.Errorf("%s: opened", name)
		}
	}
	dir := t.TempDir()
	s := open(t, parquet.Config{Dir: dir, Name: "cold"})
	if s.Name() != "cold" {
		t.Errorf("the name is %q", s.Name())
	}
	if _, err := parquet.Open(t.Context(), parquet.Config{Dir: dir}); !errors.Is(err, ndjson.ErrInUse) {
		t.Errorf("a second sink gave %v", err)
	}
	closeSink(t, s)
	if err := s.Write(context.Background(), batch(1, 1)); !errors.Is(err, ndjson.ErrClosed) {
		t.Errorf("a closed sink gave %v", err)
	}
}
