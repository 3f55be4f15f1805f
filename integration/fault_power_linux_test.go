package integration

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/aimdb-go/aimdb/internal/needed"
)

// plainDisk is a file system in a file: what was forced to the disk is in the
// file, and what was not is only in memory. A copy of the file, made before
// the kernel writes back by itself, is what a power loss leaves.
type plainDisk struct {
	image, dir string
	mounted    bool
}

func newPlainDisk(t *testing.T) *plainDisk {
	t.Helper()
	_ = smallDisk(t, "64k") // whoever may not mount it may mount nothing
	for _, tool := range []string{"mkfs.ext4", "mount", "umount"} {
		if _, err := exec.LookPath(tool); err != nil {
			needed.Missing(t, "the command %s, to simulate a power loss: %v", tool, err)
		}
	}
	d := &plainDisk{image: filepath.Join(t.TempDir(), "image")}
	if err := errors.Join(os.WriteFile(d.image, nil, 0o600), os.Truncate(d.image, 128<<20)); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command("mkfs.ext4", "-q", "-F", d.image).CombinedOutput(); err != nil {
		t.Fatalf("make a file system: %v\n%s", err, out)
	}
	d.mount(t)
	return d
}

func (d *plainDisk) mount(t *testing.T) {
	t.Helper()
	d.dir = t.TempDir()
	// The file system is not to write by itself.
	out, err := exec.Command("mount", "-o", "loop,commit=300,noauto_da_alloc", d.image, d.dir).CombinedOutput()
	if err != nil {
		needed.Missing(t, "a loop device with ext4 on it, to simulate a power loss: %v\n%s", err, out)
	}
	d.mounted = true
	t.Cleanup(func() { d.unmount(t) })
}

func (d *plainDisk) unmount(t *testing.T) {
	t.Helper()
	if !d.mounted {
		return
	}
	d.mounted = false
	if out, err := exec.Command("umount", d.dir).CombinedOutput(); err != nil {
		t.Errorf("unmount: %v\n%s", err, out)
	}
}

// afterPowerLoss returns the disk with only what was forced to it.
func (d *plainDisk) afterPowerLoss(t *testing.T) *plainDisk {
	t.Helper()
	after := &plainDisk{image: filepath.Join(t.TempDir(), "image")}
	from, err := os.Open(d.image)
	if err != nil {
		t.Fatal(err)
	}
	defer from.Close()
	to, err := os.Create(after.image)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.Copy(to, from); err != nil {
		t.Fatal(err)
	}
	if err := to.Close(); err != nil {
		t.Fatal(err)
	}
	d.unmount(t)
	if err := os.Remove(d.image); err != nil {
		t.Fatal(err)
	}
	after.mount(t)
	return after
}

// What was acknowledged as durable, or as stored, survives a loss of power, and
// the log and the history that are left fit together: the log may have lost
// more than the history.
func TestPowerLoss(t *testing.T) {
	t.Parallel()
	for _, mode := range []string{"durable", "stored"} {
		t.Run(mode, func(t *testing.T) { losePower(t, mode) })
	}
}

func losePower(t *testing.T, mode string) {
	moments := randomMoments(t)
	acked := map[string]int{}
	disk := newPlainDisk(t)
	for round := range min(rounds(t, 4/slower), 50) {
		w := startWriter(t, filepath.Join(disk.dir, "data"), filepath.Join(disk.dir, "data"), mode)
		for range 1 + moments.IntN(30) {
			w.awaitAck(t)
		}
		unsynced := fmt.Sprintf("unsynced-%d", round)
		if err := os.WriteFile(filepath.Join(disk.dir, unsynced), []byte("only in memory"), 0o600); err != nil {
			t.Fatal(err)
		}
		killAfter(t, w, 0)
		w.merge(acked)
		disk = disk.afterPowerLoss(t)
		if data, err := os.ReadFile(filepath.Join(disk.dir, unsynced)); err == nil && len(data) > 0 {
			t.Fatalf("the simulation is none: a file survives that was never forced to the disk: %q", data)
		}
		settle(t, filepath.Join(disk.dir, "data"), filepath.Join(disk.dir, "data"), mode)
		checkNumbers(t, filepath.Join(disk.dir, "data"), acked)
		if t.Failed() {
			return
		}
		if aside := asides(t, filepath.Join(disk.dir, "data")); len(aside) > 0 {
			t.Errorf("the history was damaged: %v", aside)
		}
	}
}
