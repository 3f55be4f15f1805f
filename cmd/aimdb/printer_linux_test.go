package main

import (
	"bytes"
	"context"
	"io"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"
	"unsafe"

	"github.com/rivo/uniseg"
)

// TestATableIsCutOnATerminalOnly: its lines are as wide as the terminal at most.
func TestATableIsCutOnATerminalOnly(t *testing.T) {
	db := historyFile(t, 3)
	for _, columns := range []uint16{40, 70, 200} {
		screen, tty := terminal(t)
		size := [4]uint16{24, columns}
		if _, _, failed := syscall.Syscall(syscall.SYS_IOCTL, tty.Fd(), syscall.TIOCSWINSZ, uintptr(unsafe.Pointer(&size))); failed != 0 {
			t.Fatalf("set the size of a terminal: %v", failed)
		}
		drawn := make(chan string, 1)
		go func() {
			var all bytes.Buffer
			_, _ = io.Copy(&all, screen) // ends with EIO when nobody has the terminal open
			drawn <- all.String()
		}()
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		cmd := exec.CommandContext(ctx, os.Getenv(binaryVariable), "history", "query", db, "#")
		cmd.Stdout = tty
		err := cmd.Run()
		cancel()
		if err := tty.Close(); err != nil {
			t.Fatal(err)
		}
		got := strings.ReplaceAll(<-drawn, "\r", "")
		whole := aimdb(t, "history", "query", db, "#").ok(t)
		widest := 0
		for line := range strings.Lines(got) {
			widest = max(widest, uniseg.StringWidth(strings.TrimSuffix(line, "\n")))
		}
		cut := uniseg.StringWidth(strings.Split(whole, "\n")[1]) > int(columns)
		if err != nil || widest > int(columns) || cut != strings.Contains(got, "…") || !cut && got != whole {
			t.Errorf("%v: %d columns:\n%s", err, columns, got)
		}
	}
}
