package postgres_test

import (
	"os"
	"syscall"
	"testing"
)

// smallDisk mounts a file system of 8 MiB that the server may use.
func smallDisk(t *testing.T) (dir string, unmount func()) {
	t.Helper()
	dir, err := os.MkdirTemp("", "pgsmall")
	if err != nil {
		t.Fatal(err)
	}
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=8m"); err != nil {
		_ = os.Remove(dir)
		t.Skip("mount a small file system, which needs root: ", err)
	}
	server.Own(t, dir)
	return dir, func() {
		if err := syscall.Unmount(dir, syscall.MNT_DETACH); err != nil {
			t.Error(err)
		}
		if err := os.Remove(dir); err != nil {
			t.Error(err)
		}
	}
}
