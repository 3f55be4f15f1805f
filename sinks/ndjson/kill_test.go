package ndjson_test

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"testing"

	"github.com/aimdb-go/aimdb/loss"
	"github.com/aimdb-go/aimdb/sinks"
	"github.com/aimdb-go/aimdb/sinks/ndjson"
	"github.com/aimdb-go/aimdb/sinks/sinktest"
)

// writerDir is the variable that makes this binary a writer into a directory.
const writerDir = "AIMDB_NDJSON_WRITER"

const perBatch = 50

// numbered is a batch with a loss and a dead letter, which have the number of it.
func numbered(n int) *sinks.Batch {
	b := batch((n-1)*perBatch+1, n*perBatch)
	b.Losses = []loss.Loss{{Record: "test::r0", Cause: loss.RingOverrun, Count: uint64(n)}}
	b.Refused = []sinks.Refusal{{Entry: sinks.Entry{Sequence: uint64(n), Record: "test::r0", Value: []byte{0xff}}, Reason: "no JSON"}}
	return b
}

// writeUntilKilled writes batches from the checkpoint on, and prints the number of
// each one that is stored.
func writeUntilKilled(dir string) {
	s, err := ndjson.Open(dir, ndjson.RotateBytes(8<<10))
	for n := 0; err == nil; {
		if n == 0 {
			p, _ := s.Checkpoint(context.Background())
			n = int(p.Sequence) / perBatch
		}
		n++
		if err = sinktest.Append(context.Background(), s, numbered(n)); err == nil {
			_, err = fmt.Println(n)
		}
	}
	fmt.Fprintln(os.Stderr, err)
	os.Exit(1)
}

// TestKill kills a writing process many times. Each batch that it had reported is there
// once and in order, with its loss and its dead letter.
func TestKill(t *testing.T) {
	dir := t.TempDir()
	reported := 0
	for round := range 12 {
		reported = max(reported, killAfter(t, dir, 5+round*3))
		s := open(t, dir)
		sequence := int(at(t, s))
		closeSink(t, s)
		if sequence%perBatch != 0 || sequence < reported*perBatch {
			t.Fatalf("the checkpoint is %d, %d batches of %d were reported", sequence, reported, perBatch)
		}
		holds(t, dir, sequence)
		holdsLines(t, dir, sequence/perBatch)
		manifestHolds(t, dir)
	}
}

// killAfter starts a writer, kills it when it has reported some batches, and returns
// the last number it reported.
func killAfter(t *testing.T, dir string, batches int) (last int) {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), writerDir+"="+dir)
	cmd.Stderr = t.Output()
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(out)
	for n := 0; lines.Scan(); n++ {
		if last, err = strconv.Atoi(lines.Text()); err != nil {
			t.Fatal(err)
		}
		if n == batches {
			if err := cmd.Process.Kill(); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := cmd.Wait(); err == nil || cmd.ProcessState.ExitCode() != -1 {
		t.Fatalf("the writer ended by itself: %v", err)
	}
	return last
}
