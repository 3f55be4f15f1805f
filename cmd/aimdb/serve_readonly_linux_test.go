package main

import (
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/aimdb-go/aimdb/internal/needed"
)

// brokenDisk is a file system that Linux makes read-only when it finds an error in it, and that
// stays so until it is mounted again.
type brokenDisk struct {
	t          *testing.T
	image, dir string
	mounted    bool
}

func newBrokenDisk(t *testing.T) *brokenDisk {
	t.Helper()
	if os.Getuid() != 0 {
		needed.Missing(t, "root, to mount a disk")
	}
	mkfs, err := exec.LookPath("mkfs.ext4")
	if err != nil {
		notInstalled(t, "mkfs.ext4")
	}
	d := &brokenDisk{t: t, image: filepath.Join(t.TempDir(), "image"), dir: t.TempDir()}
	d.must(os.WriteFile(d.image, nil, 0o600))
	d.must(os.Truncate(d.image, 64<<20))
	d.do(mkfs, "-q", "-F", d.image)
	if out, err := exec.Command("mount", "-o", "loop,errors=remount-ro", d.image, d.dir).CombinedOutput(); err != nil {
		needed.Missing(t, "a loop device with ext4 on it: %v\n%s", err, out)
	}
	d.mounted = true
	t.Cleanup(d.unmount)
	return d
}

func (d *brokenDisk) must(err error) {
	d.t.Helper()
	if err != nil {
		d.t.Fatal(err)
	}
}

func (d *brokenDisk) do(program string, args ...string) string {
	d.t.Helper()
	out, err := exec.Command(program, args...).CombinedOutput()
	if err != nil {
		d.t.Fatalf("%s %q: %v\n%s", program, args, err, out)
	}
	return strings.TrimSpace(string(out))
}

// fail lets the kernel find an error.
func (d *brokenDisk) fail() {
	d.t.Helper()
	device := filepath.Base(d.do("findmnt", "--noheadings", "--output", "SOURCE", d.dir))
	d.must(os.WriteFile(filepath.Join("/sys/fs/ext4", device, "trigger_fs_error"), []byte("1"), 0o200))
}

func (d *brokenDisk) unmount() {
	if d.mounted {
		d.mounted = false
		d.do("umount", d.dir)
	}
}

// repair does what the document says of such a disk.
func (d *brokenDisk) repair() {
	d.t.Helper()
	d.unmount()
	if out, err := exec.Command("fsck.ext4", "-p", d.image).CombinedOutput(); err != nil && exitCode(err) > 1 { // 1: it has repaired something
		d.t.Fatalf("fsck: %v\n%s", err, out)
	}
	d.do("mount", "-o", "loop", d.image, d.dir)
	d.mounted = true
}

func exitCode(err error) int {
	if exit, ok := err.(*exec.ExitError); ok {
		return exit.ExitCode()
	}
	return -1
}

// TestServiceOnADiskThatBecomesReadOnly: the server acknowledges nothing that it cannot keep,
// says so, ends when it is told to, and has what a durable record acknowledged once the disk is
// repaired.
func TestServiceOnADiskThatBecomesReadOnly(t *testing.T) {
	t.Parallel()
	d := newBrokenDisk(t)
	top, err := os.MkdirTemp("", "r") // a socket's path has to be short
	d.must(err)
	t.Cleanup(func() { _ = os.RemoveAll(top) })
	at := "http://127.0.0.1:" + freePort(t)
	settings := filepath.Join(top, "aimdb.yaml")
	d.must(os.WriteFile(settings, []byte("durable_log: true\nrecords:\n  - {pattern: \"#\", durable: true}\n"), 0o600))
	start := func() *demo {
		return startServe(t, filepath.Join(top, "a"), "--config", settings, "--data", filepath.Join(d.dir, "data"), "--http", strings.TrimPrefix(at, "http://"))
	}
	s := start()
	if status, _ := answerOf(t, http.MethodPut, at+"/api/records/room", `{"n":1}`); status != http.StatusNoContent {
		t.Fatalf("PUT is answered with %d", status)
	}
	d.fail()
	if status, _ := answerOf(t, http.MethodPut, at+"/api/records/door", `{"n":2}`); status >= 200 && status < 300 {
		t.Errorf("PUT on a read-only disk is answered with %d", status)
	}
	soon(t, "/health is degraded", func() bool {
		_, text := answerOf(t, http.MethodGet, at+"/health", "")
		return strings.Contains(text, `"status":"degraded"`)
	})
	if status, text := answerOf(t, http.MethodGet, at+"/api/records/room", ""); status != http.StatusOK || !strings.Contains(text, `{"n":1}`) {
		t.Errorf("a value of before is answered with %d %s", status, text)
	}
	d.must(s.cmd.Process.Signal(syscall.SIGTERM))
	if err := <-s.ended; err == nil || exitCode(err) < 1 {
		t.Errorf("it ends with %v", err)
	}
	said := serveSaid(t, s.socket)
	documentedFault(t, said, "read-only file system")
	documentedFault(t, said, "no ledger will have them, because they could not be noted for the next start")
	if strings.Contains(said, "the next start counts them") {
		t.Errorf("it promises what it could not write: %s", said)
	}
	_, end, _ := strings.Cut(said, "\naimdb: ")
	lines := strings.Split(strings.TrimSpace(end), "\n")
	slices.Sort(lines)
	if n := len(lines); n != len(slices.Compact(lines)) {
		t.Errorf("it ends with lines twice: %s", end)
	}

	d.repair()
	s = start()
	if status, text := answerOf(t, http.MethodGet, at+"/api/records/room", ""); status != http.StatusOK || !strings.Contains(text, `{"n":1}`) {
		t.Errorf("after the repair a value of before is answered with %d %s", status, text)
	}
	if status, _ := answerOf(t, http.MethodPut, at+"/api/records/room", `{"n":3}`); status != http.StatusNoContent {
		t.Errorf("after the repair PUT is answered with %d", status)
	}
	d.must(s.cmd.Process.Signal(syscall.SIGTERM))
	d.must(<-s.ended)
}
