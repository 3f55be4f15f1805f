package ndjson_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aimdb-go/aimdb/loss"
	"github.com/aimdb-go/aimdb/sinks/ndjson"
)

// holdsLines fails unless the ledger and the dead letters have the numbers 1 to n.
func holdsLines(t testing.TB, dir string, n int) {
	t.Helper()
	losses := parseLines[loss.Loss](t, read(t, filepath.Join(dir, "losses.ndjson")))
	letters := parseLines[ndjson.DeadLetter](t, read(t, filepath.Join(dir, "dead_letters.ndjson")))
	if len(losses) != n || len(letters) != n {
		t.Fatalf("%d losses and %d dead letters, want %d", len(losses), len(letters), n)
	}
	for i := range n {
		if losses[i].Count != uint64(i+1) || letters[i].Sequence != uint64(i+1) {
			t.Fatalf("loss %d is %+v, dead letter %+v", i+1, losses[i], letters[i])
		}
	}
}

// manifestHolds checks each line of the manifest against its file, and that each closed
// file has one.
func manifestHolds(t testing.TB, dir string) []ndjson.File {
	t.Helper()
	files, err := ndjson.ReadManifest(dir)
	if err != nil {
		t.Fatal(err)
	}
	closed := 0
	for _, path := range dataFiles(t, dir) {
		if !strings.HasSuffix(path, ".open") {
			closed++
		}
	}
	if len(files) != closed {
		t.Fatalf("the manifest has %d files, the directory %d", len(files), closed)
	}
	for _, f := range files {
		data := read(t, filepath.Join(dir, f.Name))
		sum := sha256.Sum256(data)
		text, err := decompress(t, filepath.Join(dir, f.Name))
		if err != nil {
			t.Fatal(err)
		}
		got := parseLines[row](t, text)
		if f.SHA256 != hex.EncodeToString(sum[:]) || f.Bytes != int64(len(data)) || f.Rows != int64(len(got)) || f.Log != "log" {
			t.Fatalf("%+v does not describe its file of %d bytes and %d rows", f, len(data), len(got))
		}
		// The time of a row is its sequence.
		if first, last := got[0].Time, got[len(got)-1].Time; f.FirstTime != first || f.LastTime != last || f.FirstSequence != uint64(first) || f.LastSequence != uint64(last) {
			t.Fatalf("%+v, want the rows %d to %d", f, first, last)
		}
	}
	return files
}

// threeBatches returns a directory whose open file has three batches, and where they
// end in it.
func threeBatches(t *testing.T) (dir, path string, ends []int64) {
	t.Helper()
	dir = t.TempDir()
	s := open(t, dir)
	for n := 1; n <= 3; n++ {
		write(t, s, numbered(n))
		path = dataFiles(t, dir)[0]
		info, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		ends = append(ends, info.Size())
	}
	closeSink(t, s)
	return dir, path, ends
}

// TestTail: whatever a crash leaves of the last batch, the batches before it are there
// once, and it can be written again.
func TestTail(t *testing.T) {
	dir, path, ends := threeBatches(t)
	whole := read(t, path)
	losses, letters := read(t, filepath.Join(dir, "losses.ndjson")), read(t, filepath.Join(dir, "dead_letters.ndjson"))
	last := int(ends[2] - ends[1])
	tails := map[string][]byte{"nothing": {}, "zeros": make([]byte, last), "garbage": bytes.Repeat([]byte("garbage"), 99)}
	for n := 1; n < last; n += 1 + last/40 {
		tails[fmt.Sprint("cut at ", n)] = whole[ends[1]:][:n]
		flipped := bytes.Clone(whole[ends[1]:])
		flipped[n] ^= 4
		tails[fmt.Sprint("a bit at ", n)] = flipped
	}
	for name, tail := range tails {
		t.Run(name, func(t *testing.T) {
			put(t, path, append(bytes.Clone(whole[:ends[1]]), tail...))
			put(t, filepath.Join(dir, "losses.ndjson"), losses)
			put(t, filepath.Join(dir, "dead_letters.ndjson"), append(bytes.Clone(letters), "{half"...))
			s := open(t, dir)
			defer closeSink(t, s)
			if n := at(t, s); n != 2*perBatch {
				t.Fatalf("the checkpoint is %d", n)
			}
			holds(t, dir, 2*perBatch)
			holdsLines(t, dir, 2)
			write(t, s, numbered(3))
			holds(t, dir, 3*perBatch)
			holdsLines(t, dir, 3)
		})
	}
}

// TestDamagedBlock: a damaged batch before a whole one takes nothing else with it.
func TestDamagedBlock(t *testing.T) {
	for name, where := range map[string]int64{"checkpoint": 12, "lines": -20} {
		t.Run(name, func(t *testing.T) {
			dir, path, ends := threeBatches(t)
			data := read(t, path)
			if where < 0 {
				data[ends[1]+where] ^= 1
			} else {
				data[ends[0]+where] ^= 1
			}
			put(t, path, data)
			var said strings.Builder
			s := open(t, dir, ndjson.Logger(slog.New(slog.NewTextHandler(&said, nil))))
			if n := at(t, s); n != 3*perBatch {
				t.Fatalf("the checkpoint is %d", n)
			}
			files := s.Files()
			if len(files) != 1 || files[0].DamagedRows != perBatch || files[0].Rows != 3*perBatch || files[0].Bytes != ends[2] {
				t.Fatalf("the manifest has %+v", files)
			}
			if !strings.Contains(said.String(), "level=ERROR") {
				t.Errorf("logged: %s", said.String())
			}
			closeSink(t, s)
			if err := os.Remove(filepath.Join(dir, "manifest.ndjson")); err != nil {
				t.Fatal(err)
			}
			s = open(t, dir)
			if again := s.Files(); len(again) != 1 || again[0] != files[0] {
				t.Errorf("the manifest that was made again has %+v, want %+v", again, files)
			}
			write(t, s, numbered(4))
			if n := len(dataFiles(t, dir)); n != 2 {
				t.Errorf("%d files, want the damaged one and another", n)
			}
		})
	}
}

func TestOneOwner(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir)
	if _, err := ndjson.Open(dir); !errors.Is(err, ndjson.ErrInUse) || !strings.Contains(err.Error(), dir) {
		t.Errorf("a second owner: %v", err)
	}
	closeSink(t, s)
	if err := s.Write(t.Context(), batch(1, 1)); !errors.Is(err, ndjson.ErrClosed) {
		t.Errorf("a write after Close: %v", err)
	}
	write(t, open(t, dir), batch(1, 1))
}

func TestDamagedManifest(t *testing.T) {
	dir := t.TempDir()
	put(t, filepath.Join(dir, "manifest.ndjson"), []byte("{\"name\":\n"))
	if _, err := ndjson.Open(dir); err == nil || !strings.Contains(err.Error(), "delete the manifest") {
		t.Errorf("opened with a damaged manifest: %v", err)
	}
}
