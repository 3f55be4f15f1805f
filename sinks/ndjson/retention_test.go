package ndjson_test

import (
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aimdb-go/aimdb/sinks"
	"github.com/aimdb-go/aimdb/sinks/ndjson"
)

// total is the size of all data files.
func total(t *testing.T, dir string) (n int64) {
	t.Helper()
	for _, path := range dataFiles(t, dir) {
		n += int64(len(read(t, path)))
	}
	return n
}

func TestKeepBytes(t *testing.T) {
	dir := t.TempDir()
	const limit = 10_000
	s := open(t, dir, ndjson.RotateBytes(1000), ndjson.KeepBytes(limit))
	for n := range 100 {
		write(t, s, batch(n*10+1, n*10+10))
		if size := total(t, dir); size > limit {
			t.Fatalf("the files have %d bytes", size)
		}
	}
	files := manifestHolds(t, dir)
	if size := total(t, dir); size < limit-2500 {
		t.Errorf("only %d bytes are left", size)
	}
	got := rows(t, dir)
	if first := got[0].Time; first == 1 || first != files[0].FirstTime || got[len(got)-1].Time != 1000 || len(got) != 1001-int(first) {
		t.Errorf("%d rows from %d to %d are left, want the newest", len(got), first, got[len(got)-1].Time)
	}
	closeSink(t, s)
	if n := at(t, open(t, dir)); n != 1000 {
		t.Errorf("the checkpoint is %d", n)
	}
}

// timed is a batch of one row, which is written now.
func timed(n int) *sinks.Batch {
	b := batch(n, n)
	b.Entries[0].Time = time.Now().UnixMilli()
	return b
}

func TestKeepFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		opts := []ndjson.Option{ndjson.RotateEvery(time.Hour), ndjson.KeepFor(10 * time.Hour)}
		s := open(t, dir, opts...)
		for n := 1; n <= 30; n++ {
			write(t, s, timed(n))
			time.Sleep(time.Hour)
		}
		// The row of a closed file is at least an hour old.
		if n := len(s.Files()); n != 9 && n != 10 {
			t.Errorf("%d closed files, want those of ten hours", n)
		}
		if err := s.Rotate(); err != nil {
			t.Fatal(err)
		}
		closeSink(t, s)
		time.Sleep(1000 * time.Hour)
		s = open(t, dir, opts...)
		if n := len(s.Files()); n != 1 {
			t.Errorf("%d closed files, want the one with the checkpoint", n)
		}
		if n := at(t, s); n != 30 {
			t.Errorf("the checkpoint is %d", n)
		}
		write(t, s, timed(31))
		if files := dataFiles(t, dir); len(files) != 1 || len(s.Files()) != 0 {
			t.Errorf("files %v, want the open one", files)
		}
		closeSink(t, s)
	})
}

// TestDeletedByHand: a file that was moved away leaves the manifest at the next start.
func TestDeletedByHand(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir, ndjson.RotateBytes(1))
	for n := 1; n <= 4; n++ {
		write(t, s, batch(n, n))
	}
	files := s.Files()
	closeSink(t, s)
	if err := os.Remove(filepath.Join(dir, files[1].Name)); err != nil {
		t.Fatal(err)
	}
	open(t, dir)
	if left := manifestHolds(t, dir); len(left) != 2 || left[0] != files[0] || left[1] != files[2] {
		t.Errorf("the manifest has %+v", left)
	}
}

// TestDeleteFails: what cannot be deleted holds up no batch, and stays in the manifest.
func TestDeleteFails(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir, ndjson.RotateBytes(1))
	write(t, s, batch(1, 10))
	write(t, s, batch(11, 20))
	oldest := s.Files()[0]
	closeSink(t, s)
	path := filepath.Join(dir, oldest.Name)
	data := read(t, path)
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(filepath.Join(path, "full"), 0o700); err != nil {
		t.Fatal(err)
	}
	var said strings.Builder
	s = open(t, dir, ndjson.RotateBytes(1), ndjson.KeepBytes(1), ndjson.Logger(slog.New(slog.NewTextHandler(&said, nil))))
	write(t, s, batch(21, 30))
	if files := s.Files(); len(files) != 2 || files[0] != oldest {
		t.Errorf("the manifest has %+v", files)
	}
	if n := strings.Count(said.String(), "cannot delete"); n != 1 {
		t.Errorf("%d errors are logged: %s", n, said.String())
	}
	closeSink(t, s)
	if err := os.RemoveAll(path); err != nil {
		t.Fatal(err)
	}
	put(t, path, data)
	s = open(t, dir, ndjson.KeepBytes(1))
	if files := s.Files(); len(files) != 0 {
		t.Errorf("the manifest has %+v", files)
	}
}
