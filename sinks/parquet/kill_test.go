package parquet_test

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"testing"
	"time"

	"github.com/aimdb-go/aimdb/sinks/parquet"
)

// writerDir is the variable that makes this binary a writer into a directory.
const writerDir = "AIMDB_PARQUET_WRITER"

const (
	perBatch = 50
	// perRotation is the number of batches after which all is converted.
	perRotation = 10
)

// writeUntilKilled writes batches from the checkpoint on, and prints the number of
// each one that is stored.
func writeUntilKilled(dir string) {
	ctx := context.Background()
	s, err := parquet.Open(ctx, parquet.Config{Dir: dir, RotateBytes: 2 << 10})
	for err == nil {
		p, _ := s.Checkpoint(ctx)
		n := int(p.Sequence)/perBatch + 1
		b := batch((n-1)*perBatch+1, n*perBatch)
		b.Previous = p
		if err = s.Write(ctx, b); err == nil {
			_, err = fmt.Println(n)
		}
		if n%perRotation == 0 {
			err = s.Rotate(ctx)
		}
	}
	fmt.Fprintln(os.Stderr, err)
	os.Exit(1)
}

// TestKill kills a writing and converting process many times. Each value that it had
// reported is there once, before and after what is staged is converted.
func TestKill(t *testing.T) {
	dir := t.TempDir()
	reported := 0
	for round := range 6 {
		reported = max(reported, killConverting(t, dir, time.Duration(round)*15*time.Millisecond))
		s := open(t, parquet.Config{Dir: dir})
		p, err := s.Checkpoint(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		n := int(p.Sequence)
		if n%perBatch != 0 || n < reported*perBatch {
			t.Fatalf("the checkpoint is %d, %d batches of %d were reported", n, reported, perBatch)
		}
		rotate(t, s)
		holds(t, dir, n)
		listed(t, dir)
		closeSink(t, s)
	}
}

// killConverting starts a writer, kills it a time after it has begun to convert all that
// is staged, and returns the last number it reported.
func killConverting(t *testing.T, dir string, after time.Duration) (last int) {
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
	scan := bufio.NewScanner(out)
	for killed := false; scan.Scan(); {
		if last, err = strconv.Atoi(scan.Text()); err != nil {
			t.Fatal(err)
		}
		if last%perRotation == 0 && !killed {
			killed = true
			time.Sleep(after) // each round kills at another point of the conversion
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
