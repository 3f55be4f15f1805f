package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"
	"unsafe"
)

// terminal opens a terminal: what is written to one end comes out of the other.
func terminal(t *testing.T) (screen, tty *os.File) {
	t.Helper()
	screen, err := os.OpenFile("/dev/ptmx", os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		t.Fatalf("open a terminal: %v", err)
	}
	t.Cleanup(func() { _ = screen.Close() }) // only read from
	var locked, number int32
	for request, argument := range map[uintptr]*int32{syscall.TIOCSPTLCK: &locked, syscall.TIOCGPTN: &number} {
		if _, _, failed := syscall.Syscall(syscall.SYS_IOCTL, screen.Fd(), request, uintptr(unsafe.Pointer(argument))); failed != 0 {
			t.Fatalf("set up a terminal: %v", failed)
		}
	}
	tty, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", number), os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		t.Fatalf("open a terminal: %v", err)
	}
	return screen, tty
}

func TestABarIsDrawnOnATerminalOnly(t *testing.T) {
	db := historyFile(t, 3000)
	rows := aimdb(t, "history", "export", db)
	if strings.Contains(rows.stderr, "exporting") {
		t.Errorf("there is a bar although no terminal is: %q", rows.stderr)
	}
	file := db + ".ndjson"
	if err := os.WriteFile(file, []byte(rows.ok(t)), 0o600); err != nil {
		t.Fatal(err)
	}
	for what, args := range map[string][]string{
		"exporting": {"history", "export", db, "-o", db + ".csv"},
		"importing": {"history", "import", db + ".copy", file},
	} {
		screen, tty := terminal(t)
		drawn := make(chan string, 1)
		go func() {
			var all bytes.Buffer
			_, _ = io.Copy(&all, screen) // ends with EIO when nobody has the terminal open
			drawn <- all.String()
		}()
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		cmd := exec.CommandContext(ctx, os.Getenv(binaryVariable), args...)
		cmd.Stderr = tty
		err := cmd.Run()
		cancel()
		if err := tty.Close(); err != nil {
			t.Fatal(err)
		}
		if all := <-drawn; err != nil || !strings.Contains(all, what) {
			t.Errorf("%v on a terminal: %v, %q", args, err, all)
		}
	}
}
