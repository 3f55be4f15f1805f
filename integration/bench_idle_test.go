package integration

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/aimdb-go/aimdb"
)

// BenchmarkIdle runs a database of 10,000 persisted records, each with a
// value, and of one record, in processes of their own, and measures what they
// take while nothing happens. The targets are 0.5 %-of-a-core and 120 MB-RSS.
func BenchmarkIdle(b *testing.B) {
	var one, many idleness
	for b.Loop() {
		one, many = measureIdle(b, 1), measureIdle(b, 10_000)
	}
	b.ReportMetric(0, "ns/op") // being idle is no operation
	b.ReportMetric(100*many.CPU, "%-of-a-core")
	b.ReportMetric(100*one.CPU, "%-of-a-core-with-one")
	b.ReportMetric(many.RSS, "MB-RSS")
	b.ReportMetric(one.RSS, "MB-RSS-with-one")
}

// idleness is what a process takes that has nothing to do.
type idleness struct {
	// CPU is the share of one core, RSS the resident memory in MB.
	CPU, RSS float64
}

func measureIdle(b *testing.B, count int) (i idleness) {
	cmd := exec.Command(os.Args[0], b.TempDir(), strconv.Itoa(count))
	cmd.Env = append(os.Environ(), childVariable+"=idle")
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err == nil {
		err = json.Unmarshal(out, &i)
	}
	if err != nil {
		b.Fatalf("%s: %v", out, err)
	}
	return i
}

// runIdle is the child process: a database in a directory, with a number of
// records, that prints its idleness.
func runIdle(args []string) (err error) {
	count, err := strconv.Atoi(args[1])
	if err != nil {
		return err
	}
	s, err := serve(args[0], count, []aimdb.RecordOption{aimdb.Ring(16), aimdb.Persist(), aimdb.Remote()},
		aimdb.Gateway(filepath.Join(args[0], "s")), aimdb.NATS("127.0.0.1:0"))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.stop()) }()
	for i, r := range s.records {
		r.Produce(sampled(i))
	}
	if err := s.Flush(context.Background()); err != nil {
		return err
	}
	const settle, watch = 3 * time.Second, 5 * time.Second
	time.Sleep(settle) // what follows a burst is not idleness
	before, err := processorTime()
	if err != nil {
		return err
	}
	start := time.Now()
	time.Sleep(watch)
	after, err := processorTime()
	if err != nil {
		return err
	}
	i := idleness{CPU: (after - before).Seconds() / time.Since(start).Seconds()}
	if i.RSS, err = resident(); err != nil {
		return err
	}
	return json.NewEncoder(os.Stdout).Encode(i)
}

// resident reads proc(5), which Linux has.
func resident() (megabytes float64, err error) {
	raw, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		return 0, fmt.Errorf("ask for the memory: %w", err)
	}
	var size, pages int
	if _, err := fmt.Sscan(string(raw), &size, &pages); err != nil {
		return 0, fmt.Errorf("ask for the memory: %w", err)
	}
	return float64(pages*os.Getpagesize()) / 1e6, nil
}
