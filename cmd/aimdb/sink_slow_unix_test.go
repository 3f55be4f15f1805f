//go:build unix

package main

import (
	"syscall"
	"testing"
)

// TestASlowSinkDelaysNoOther: a sink that does not work at all holds up neither the
// database nor the other sink, and gets everything later. A standby of it waits.
func TestASlowSinkDelaysNoOther(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	slow := w.sink("sqlite", "slow.db", "active")
	w.sink("sqlite", "fast.db", "active")
	w.produce(10)
	w.stored("sqlite-slow")
	if err := slow.cmd.Process.Signal(syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	w.sink("sqlite", "slow.db", "standby")
	w.produce(500)
	w.stored("sqlite-fast")
	w.holds("fast.db", 1)
	if n := len(w.rows("slow.db")); n > 10 {
		t.Errorf("the sink that was stopped has %d rows", n)
	}
	if err := slow.cmd.Process.Signal(syscall.SIGCONT); err != nil {
		t.Fatal(err)
	}
	w.stored("sqlite-slow")
	w.holds("slow.db", 1)
}
