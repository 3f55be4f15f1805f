//go:build linux

package bus

import (
	"fmt"
	"os/signal"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/aimdb-go/aimdb/history"
	"github.com/aimdb-go/aimdb/records"
)

// limitFiles limits the size of files of this process. A store meets it like a full
// disk.
func limitFiles(t testing.TB, size uint64) (free func()) {
	t.Helper()
	signal.Ignore(syscall.SIGXFSZ)
	var old syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_FSIZE, &old); err != nil {
		t.Fatal(err)
	}
	set := func(l syscall.Rlimit) {
		if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &l); err != nil {
			t.Fatal(err)
		}
	}
	set(syscall.Rlimit{Cur: size, Max: old.Max})
	free = func() { set(old) }
	t.Cleanup(free)
	return free
}

func TestFullDiskUnderTheLog(t *testing.T) {
	for _, durable := range []bool{false, true} { // one by one: the limit holds for the process
		t.Run(fmt.Sprintf("durable=%v", durable), func(t *testing.T) { fullDisk(t, durable) })
	}
}

// fullDisk fills the disk under the log. Producers continue, and the state shows the
// outage. When there is room again, all values still in a ring are logged once and in
// order, and the others are reported as lost.
func fullDisk(t *testing.T, durable bool) {
	b := open(t, setup{Config: Config{Durable: durable}, Dir: t.TempDir()})
	b.answerTimeout = 500 * time.Millisecond
	reg := registry(t)
	r := register(t, reg, "a", records.Config{Kind: records.Ring, Capacity: 1000, Logged: true})
	republish(t, b, reg)
	free := limitFiles(t, 512<<10)
	n := 0
	for ctx := deadline(t); ; {
		for range 500 {
			r.Produce(reading{n})
			n++
		}
		s, err := b.Stats(ctx)
		if err != nil {
			t.Fatalf("after %d values the log still has no state: %v", n, err)
		}
		if s.State != "ok" {
			break
		}
		time.Sleep(time.Millisecond) // paces the writer; nothing waits for it
	}
	for range 2000 { // more than the ring holds: some must be lost
		r.Produce(reading{n})
		n++
	}
	select {
	case <-b.Writable().Done():
	case <-deadline(t).Done():
		t.Fatal("nobody is told that the log cannot be written")
	}
	if why := b.Blocked(); why == nil || !strings.Contains(why.Error(), "file too large") {
		t.Errorf("the log cannot be written: %v", why)
	}
	free()
	last, err := b.Flush(deadline(t), reg)
	if err != nil {
		t.Fatal(err)
	}
	next, lost := 0, 0
	for _, m := range readAll(t, b, history.Position{}, int(last)) {
		if m.Loss != nil {
			lost += int(m.Loss.Count)
			continue
		}
		next += int(m.Lost)
		if want := fmt.Sprintf(`{"n":%d}`, next); string(m.Value) != want {
			t.Fatalf("message %d is %s, want %s", m.Sequence, m.Value, want)
		}
		next++
	}
	_, counted := r.Untyped().Losses()
	if next != n || lost == 0 || uint64(lost) != counted {
		t.Fatalf("read up to %d of %d, %d reported lost, %d counted", next, n, lost, counted)
	}
	s, err := b.Stats(deadline(t))
	if err != nil || s.State != "ok" || s.Retries == 0 || b.Writable().Err() != nil {
		t.Fatalf("state %q after %d retries, writable: %v (%v)", s.State, s.Retries, b.Blocked(), err)
	}
}
