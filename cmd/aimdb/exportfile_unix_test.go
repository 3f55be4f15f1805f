//go:build unix

package main

import (
	"os"
	"path/filepath"
	"syscall"
	"testing"
)

// TestExportWritesThroughWhatIsNoFile: a pipe and a device stay what they are.
func TestExportWritesThroughWhatIsNoFile(t *testing.T) {
	db := historyFile(t, 300)
	want := aimdb(t, "history", "export", db).ok(t)
	pipe := filepath.Join(t.TempDir(), "pipe")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	read := make(chan string, 1)
	go func() {
		data, err := os.ReadFile(pipe)
		if err != nil {
			t.Error(err)
		}
		read <- string(data)
	}()
	aimdb(t, "history", "export", db, "-o", pipe).ok(t)
	if got := <-read; got != want {
		t.Errorf("%d bytes came out of the pipe, want %d", len(got), len(want))
	}
	link := filepath.Join(t.TempDir(), "link")
	if err := os.Symlink("/dev/null", link); err != nil {
		t.Fatal(err)
	}
	aimdb(t, "history", "export", db, "-o", link).ok(t)
	if out := aimdb(t, "history", "export", db, "-o", "/dev/stdout").ok(t); out != want {
		t.Errorf("%d bytes came out of /dev/stdout, want %d", len(out), len(want))
	}
	for path, mode := range map[string]os.FileMode{pipe: os.ModeNamedPipe, link: os.ModeSymlink, "/dev/null": os.ModeDevice | os.ModeCharDevice} {
		if info, err := os.Lstat(path); err != nil || info.Mode().Type() != mode {
			t.Errorf("%s has become %v, %v", path, info.Mode(), err)
		}
	}
}
