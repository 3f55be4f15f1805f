//go:build unix

package ndjson_test

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/aimdb-go/aimdb/loss"
	"github.com/aimdb-go/aimdb/sinks"
	"github.com/aimdb-go/aimdb/sinks/sinktest"
)

// inLimitedProcess runs the test again in a process of its own, because the limit of a
// process also holds for what go test itself writes. It reports whether this is it.
func inLimitedProcess(t *testing.T) bool {
	t.Helper()
	const variable = "AIMDB_NDJSON_LIMITED"
	if os.Getenv(variable) != "" {
		return true
	}
	cmd := exec.Command(os.Args[0], "-test.run=^"+t.Name()+"$", "-test.v")
	cmd.Env = append(os.Environ(), variable+"=1")
	out, err := cmd.CombinedOutput()
	if err != nil || !bytes.Contains(out, []byte("--- PASS: "+t.Name())) {
		t.Errorf("%v\n%s", err, out)
	}
	return false
}

// limitFiles makes writes beyond a size fail until the function it returns is called,
// as a full disk does. The error is EFBIG.
func limitFiles(t *testing.T, size uint64) (lift func()) {
	t.Helper()
	signal.Ignore(syscall.SIGXFSZ)
	var before syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_FSIZE, &before); err != nil {
		t.Fatal(err)
	}
	limited := before
	limited.Cur = size
	if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &limited); err != nil {
		t.Fatal(err)
	}
	return func() {
		if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &before); err != nil {
			t.Fatal(err)
		}
	}
}

// TestFullDisk: a batch that does not fit is an outage, leaves nothing, and is stored
// once when there is space.
func TestFullDisk(t *testing.T) {
	if !inLimitedProcess(t) {
		return
	}
	for name, room := range map[string]uint64{"no byte fits": 0, "the checkpoint fits in part": 100, "the lines fit in part": 450} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			s := open(t, dir)
			write(t, s, numbered(1))
			path := dataFiles(t, dir)[0]
			before := read(t, path)
			lift := limitFiles(t, uint64(len(before))+room)
			failing := numbered(2)
			failing.Losses = append(failing.Losses, loss.Loss{Record: "only of the batch that fails"})
			for range 2 {
				err := sinktest.Append(t.Context(), s, failing)
				if !errors.Is(err, syscall.EFBIG) || sinks.Refused(err) {
					lift()
					t.Fatalf("a write beyond the limit: %v", err)
				}
				if after := read(t, path); string(after) != string(before) || at(t, s) != perBatch {
					lift()
					t.Fatalf("a failed write changed the file from %d to %d bytes", len(before), len(after))
				}
			}
			lift()
			write(t, s, numbered(2))
			holds(t, dir, 2*perBatch)
			holdsLines(t, dir, 2)
		})
	}
}

// TestFullDiskInTheLedger: the losses do not fit, so nothing of the batch is stored.
func TestFullDiskInTheLedger(t *testing.T) {
	if !inLimitedProcess(t) {
		return
	}
	dir := t.TempDir()
	s := open(t, dir)
	write(t, s, numbered(1))
	lift := limitFiles(t, uint64(len(read(t, filepath.Join(dir, "losses.ndjson"))))+20)
	err := sinktest.Append(t.Context(), s, numbered(2))
	lift()
	if !errors.Is(err, syscall.EFBIG) {
		t.Fatalf("a write beyond the limit: %v", err)
	}
	closeSink(t, s)
	s = open(t, dir)
	holds(t, dir, perBatch)
	holdsLines(t, dir, 1)
	write(t, s, numbered(2))
	holdsLines(t, dir, 2)
}
