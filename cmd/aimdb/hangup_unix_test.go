//go:build unix

package main

import (
	"os/signal"
	"syscall"
	"testing"
)

// A hang-up of the terminal ends the hub in order, and nohup keeps it running.
func TestHangUp(t *testing.T) {
	t.Parallel()
	d := startDemo(t, t.TempDir(), "--pace", "50ms")
	d.stopBy(t, syscall.SIGHUP)

	signal.Ignore(syscall.SIGHUP) // a child inherits this, as from nohup
	defer signal.Reset(syscall.SIGHUP)
	d = startDemo(t, t.TempDir(), "--pace", "50ms")
	if err := d.cmd.Process.Signal(syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
	for range 3 { // it goes on answering
		aimdb(t, "record", "list", "--connect", d.socket).ok(t)
	}
	d.stop(t)
}
