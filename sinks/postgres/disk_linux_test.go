package postgres_test

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/aimdb-go/aimdb/sinks/postgres"
	"github.com/aimdb-go/aimdb/sinks/sinktest"
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

// TestFullDisk fills a real file system.
func TestFullDisk(t *testing.T) {
	t.Parallel()
	server.Start(t)
	dir, unmount := smallDisk(t)
	defer unmount()
	dsn := server.Database(t)
	exec(t, dsn, "CREATE TABLESPACE small LOCATION '"+dir+"'")
	defer exec(t, dsn, "DROP TABLESPACE small")
	u := strings.Replace(dsn, "?", "?default_tablespace=small&", 1)
	f := newFlow(t, dsn, sinktest.NewLog("log"), postgres.Config{DSN: u})
	filler := filepath.Join(dir, "filler")
	f.add(100)
	f.awaitAt(t, 100)
	if err := os.WriteFile(filler, make([]byte, 64<<20), 0o600); err == nil {
		t.Fatal("the disk is not small")
	}
	f.add(20_000)
	f.failing(t, "No space left on device")
	if err := os.Remove(filler); err != nil {
		t.Fatal(err)
	}
	f.exactlyOnce(t)
	exec(t, dsn, "DROP SCHEMA aimdb CASCADE")
}
