package ndjson_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aimdb-go/aimdb/history"
	"github.com/aimdb-go/aimdb/sinks"
	"github.com/aimdb-go/aimdb/sinks/ndjson"
	"github.com/aimdb-go/aimdb/sinks/sinktest"
)

func TestRotateBytes(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir, ndjson.RotateBytes(2000))
	for n := range 40 {
		write(t, s, batch(n*10+1, n*10+10))
	}
	files := manifestHolds(t, dir)
	if len(files) < 3 {
		t.Fatalf("%d closed files", len(files))
	}
	for _, f := range files {
		if f.Bytes < 2000 || f.Bytes > 4000 {
			t.Errorf("%s has %d bytes", f.Name, f.Bytes)
		}
	}
	holds(t, dir, 400)
}

// TestClosedFilesNeverChange is what a copy while the sink runs rests on.
func TestClosedFilesNeverChange(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir, ndjson.RotateBytes(1000))
	copied := map[string]string{}
	for n := range 60 {
		write(t, s, batch(n*10+1, n*10+10))
		for _, path := range dataFiles(t, dir) {
			if strings.HasSuffix(path, ".open") {
				continue
			}
			text := string(read(t, path))
			if before, ok := copied[path]; ok && before != text {
				t.Fatalf("%s has changed", path)
			}
			copied[path] = text
		}
	}
	if len(copied) < 5 {
		t.Fatalf("%d closed files", len(copied))
	}
}

func TestRotateEvery(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		s := open(t, dir, ndjson.RotateEvery(time.Hour))
		write(t, s, batch(1, 5))
		time.Sleep(59 * time.Minute)
		closeSink(t, s)
		s = open(t, dir, ndjson.RotateEvery(time.Hour)) // the age is kept
		write(t, s, batch(6, 10))
		if n := len(s.Files()); n != 0 {
			t.Fatalf("%d closed files before the hour", n)
		}
		time.Sleep(time.Minute)
		write(t, s, batch(11, 15))
		if files := manifestHolds(t, dir); len(files) != 1 || files[0].Rows != 10 {
			t.Fatalf("closed files %+v, want one of 10 rows", files)
		}
		holds(t, dir, 15)
		closeSink(t, s)
	})
}

// TestRangesOfOneLog: sequences that come again are in another file.
func TestRangesOfOneLog(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir)
	write(t, s, batch(1, 10))
	write(t, s, &sinks.Batch{Checkpoint: history.Position{Log: "log", Sequence: 5}})
	write(t, s, batch(6, 8))
	next := batch(20, 22)
	next.Checkpoint.Log = "next"
	write(t, s, next)
	if err := s.Rotate(); err != nil {
		t.Fatal(err)
	}
	want := []ndjson.File{{Log: "log", FirstSequence: 1, LastSequence: 10}, {Log: "log", FirstSequence: 6, LastSequence: 8}, {Log: "next", FirstSequence: 20, LastSequence: 22}}
	files := s.Files()
	if len(files) != len(want) {
		t.Fatalf("closed files %+v", files)
	}
	for i, f := range files {
		if f.Log != want[i].Log || f.FirstSequence != want[i].FirstSequence || f.LastSequence != want[i].LastSequence {
			t.Errorf("file %d is %+v, want %+v", i, f, want[i])
		}
	}
}

// TestRotateAndStop: without an open file the checkpoint is in the newest closed one.
func TestRotateAndStop(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir)
	if err := s.Rotate(); err != nil || len(dataFiles(t, dir)) != 0 {
		t.Fatalf("a sink without rows has files, or %v", err)
	}
	write(t, s, numbered(1))
	if err := s.Rotate(); err != nil {
		t.Fatal(err)
	}
	closeSink(t, s)
	s = open(t, dir)
	if n := at(t, s); n != perBatch {
		t.Fatalf("the checkpoint is %d", n)
	}
	write(t, s, numbered(2))
	holds(t, dir, 2*perBatch)
	holdsLines(t, dir, 2)
	if files := manifestHolds(t, dir); len(files) != 1 {
		t.Errorf("closed files %+v", files)
	}
}

// TestKilledWhileRotating: a rotation that stopped after its rename is finished.
func TestKilledWhileRotating(t *testing.T) {
	dir, path, _ := threeBatches(t)
	if err := os.Rename(path, strings.TrimSuffix(path, ".open")); err != nil {
		t.Fatal(err)
	}
	half := filepath.Join(dir, "00000002-20260102T150405Z.ndjson.zst.open")
	put(t, half, []byte("half a block"))
	s := open(t, dir)
	if n := at(t, s); n != 3*perBatch {
		t.Fatalf("the checkpoint is %d", n)
	}
	if err := os.Rename(half+".damaged", filepath.Join(t.TempDir(), "half")); err != nil {
		t.Error(err)
	}
	if files := manifestHolds(t, dir); len(files) != 1 {
		t.Fatalf("closed files %+v", files)
	}
	write(t, s, numbered(4))
	holds(t, dir, 4*perBatch)
	holdsLines(t, dir, 4)
}

// TestRotationFails: a rotation that cannot be finished is an outage, and the batch is
// stored once when it can.
func TestRotationFails(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir, ndjson.RotateBytes(1))
	write(t, s, batch(1, 10))
	blocked := filepath.Join(dir, "manifest.ndjson.partial")
	if err := os.Mkdir(blocked, 0o700); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := sinktest.Append(t.Context(), s, batch(11, 20)); err == nil || sinks.Refused(err) {
			t.Fatalf("written although the manifest cannot be: %v", err)
		}
		if n := at(t, s); n != 10 {
			t.Fatalf("the checkpoint is %d", n)
		}
	}
	if err := os.Remove(blocked); err != nil {
		t.Fatal(err)
	}
	write(t, s, batch(11, 20))
	holds(t, dir, 20)
	manifestHolds(t, dir)
}
