package deploy

import (
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/aimdb-go/aimdb/internal/needed"
)

// machine is a system with a real systemd as its first process, in namespaces of its own: it
// has its own processes, mounts, network and control groups.
type machine struct {
	t     *testing.T
	first int // systemd, as this process sees it
}

// bootMachine starts a machine that ends with the test.
func bootMachine(t *testing.T) machine {
	t.Helper()
	for _, program := range []string{"/lib/systemd/systemd", "unshare", "nsenter", "mount"} {
		need(t, program)
	}
	if os.Getuid() != 0 {
		needed.Missing(t, "root, to start systemd as a first process")
	}
	dir := t.TempDir()
	c := exec.Command("unshare", "--cgroup", "testdata/boot", dir)
	var said strings.Builder
	c.Stdout, c.Stderr = &said, &said
	c.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags: syscall.CLONE_NEWPID | syscall.CLONE_NEWNS | syscall.CLONE_NEWIPC | syscall.CLONE_NEWUTS | syscall.CLONE_NEWNET,
		Pdeathsig:  syscall.SIGKILL, UseCgroupFD: true, CgroupFD: ownGroup(t),
	}
	if err := c.Start(); errors.Is(err, syscall.EPERM) {
		needed.Missing(t, "the permission to make namespaces, in a container CAP_SYS_ADMIN: %v", err)
	} else if err != nil {
		t.Fatal(err)
	}
	m := machine{t, c.Process.Pid}
	ended := make(chan error, 1)
	go func() { ended <- c.Wait() }()
	t.Cleanup(func() {
		_ = c.Process.Kill() // the kernel ends every process of the machine with its first
		<-ended
	})
	m.await("systemd runs", func() bool {
		select {
		case err := <-ended:
			ended <- err
			t.Fatalf("the machine does not boot: %v\n%s", err, said.String())
		default:
		}
		out, _ := m.try("systemctl", "is-active", "test.target")
		return out == "active\n"
	})
	return m
}

// ownGroup makes a control group for a machine, and returns it opened.
func ownGroup(t *testing.T) int {
	t.Helper()
	groups := t.TempDir()
	if err := syscall.Mount("cgroup2", groups, "cgroup2", 0, ""); err != nil {
		needed.Missing(t, "the permission to mount control groups, in a container CAP_SYS_ADMIN: %v", err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(groups, 0); err != nil {
			t.Error(err)
		}
	})
	group, err := os.MkdirTemp(groups, "aimdb-test-")
	if err != nil {
		needed.Missing(t, "control groups that can be written: %v", err)
	}
	t.Cleanup(func() {
		if err := removeGroups(group); err != nil {
			t.Error(err)
		}
	})
	opened, err := os.Open(group)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = opened.Close() })
	return int(opened.Fd())
}

// removeGroups removes a control group after those in it: a group has files that cannot be
// removed.
func removeGroups(group string) error {
	var groups []string
	err := filepath.WalkDir(group, func(path string, entry fs.DirEntry, err error) error {
		if err == nil && entry.IsDir() {
			groups = append(groups, path)
		}
		return err
	})
	for i := len(groups) - 1; i >= 0 && err == nil; i-- {
		err = syscall.Rmdir(groups[i])
	}
	return err
}

// try runs a program in the machine, and returns all that it prints.
func (m machine) try(program string, args ...string) (string, error) {
	inside := []string{"--target", strconv.Itoa(m.first), "--mount", "--uts", "--ipc", "--net", "--pid", "--cgroup", "--root", "--wd",
		"env", "-i", "PATH=/usr/sbin:/usr/bin:/sbin:/bin", "DEBIAN_FRONTEND=noninteractive", program}
	out, err := exec.CommandContext(m.t.Context(), "nsenter", append(inside, args...)...).CombinedOutput()
	return string(out), err
}

// run is try of a program that must not fail.
func (m machine) run(program string, args ...string) string {
	m.t.Helper()
	out, err := m.try(program, args...)
	if err != nil {
		m.t.Fatalf("%s %q: %v\n%s\n%s", program, args, err, out, m.journal())
	}
	return out
}

// path is a file of the machine, as this process sees it. It has no absolute links in it.
func (m machine) path(name string) string {
	return filepath.Join("/proc", strconv.Itoa(m.first), "root", name)
}

func (m machine) write(name, text string) {
	m.t.Helper()
	if err := os.MkdirAll(filepath.Dir(m.path(name)), 0o755); err != nil {
		m.t.Fatal(err)
	}
	if err := os.WriteFile(m.path(name), []byte(text), 0o644); err != nil {
		m.t.Fatal(err)
	}
}

// property is what systemd says of the unit.
func (m machine) property(name string) string {
	m.t.Helper()
	return strings.TrimSpace(m.run("systemctl", "show", "--value", "--property", name, "aimdb.service"))
}

// journal is what the unit said.
func (m machine) journal() string {
	if out, err := m.try("journalctl", "--sync"); err != nil {
		return out
	}
	out, err := m.try("journalctl", "--unit", "aimdb", "--output", "cat")
	if err != nil {
		return out + err.Error()
	}
	return out
}

// await waits for a state that systemd tells nobody of.
func (m machine) await(what string, state func() bool) {
	m.t.Helper()
	for deadline := time.Now().Add(2 * time.Minute); !state(); time.Sleep(50 * time.Millisecond) {
		if time.Now().After(deadline) {
			m.t.Fatalf("not in two minutes: %s\n%s", what, m.journal())
		}
	}
}
