// Package deploy tests what is below this directory with the programs that it is made for.
package deploy

import (
	"net"
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

// need skips a test without a program, and fails it in CI.
func need(t *testing.T, program string) string {
	t.Helper()
	path, err := exec.LookPath(program)
	if err == nil {
		return path
	}
	if in, err := filepath.Abs("../bin/" + program); err == nil {
		if _, err := os.Stat(in); err == nil {
			return in
		}
	}
	needed.Missing(t, "%s, which .ci/run installs", program)
	return ""
}

// TestUnitIsHardened: systemd's own measure of the unit is at most 2.0, of 10.
func TestUnitIsHardened(t *testing.T) {
	analyze := need(t, "systemd-analyze")
	out, err := exec.Command(analyze, "security", "--offline=yes", "--threshold=20", "systemd/aimdb.service").CombinedOutput()
	if err != nil {
		t.Errorf("%v\n%s", err, out)
	}
	if !strings.Contains(string(out), "Overall exposure level for aimdb.service") {
		t.Errorf("it does not measure the unit: %s", out)
	}
}

// manager takes what a service says.
type manager struct {
	*net.UnixConn
	path string
}

func newManager(t *testing.T, dir string) manager {
	t.Helper()
	path := filepath.Join(dir, "notify")
	l, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	if err := os.Chmod(path, 0o777); err != nil { // for a service of another user
		t.Fatal(err)
	}
	return manager{l, path}
}

// hears waits for a message that begins with a line.
func (m manager) hears(t *testing.T, line string) {
	t.Helper()
	if err := m.SetReadDeadline(time.Now().Add(time.Minute)); err != nil {
		t.Fatal(err)
	}
	for buf := make([]byte, 4096); ; {
		n, err := m.Read(buf)
		if err != nil {
			t.Fatalf("the service never said %s: %v", line, err)
		}
		if first, _, _ := strings.Cut(string(buf[:n]), "\n"); first == line {
			return
		}
	}
}

// service is what the unit starts, as the user nobody if this test runs as root.
type service struct {
	*exec.Cmd
	manager manager
	said    *os.File
}

// startUnit starts what ExecStart says, with the files of the package below root.
func startUnit(t *testing.T, root string, settings ...string) service {
	t.Helper()
	var command string
	for line := range strings.Lines(read(t, filepath.Join(root, "lib/systemd/system/aimdb.service"))) {
		if value, found := strings.CutPrefix(strings.TrimSpace(line), "ExecStart="); found {
			command = value
		}
	}
	args := strings.Fields(command)
	for i, arg := range args {
		if strings.HasPrefix(arg, "/") {
			args[i] = filepath.Join(root, arg)
		}
	}
	dir, err := os.MkdirTemp("", "u") // the path of a socket has to be short
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	if err := os.Chmod(dir, 0o755); err != nil { // the service is another user
		t.Fatal(err)
	}
	m := newManager(t, dir)
	s := service{exec.Command(args[0], args[1:]...), m, nil}
	if s.said, err = os.Create(filepath.Join(t.TempDir(), "said")); err != nil {
		t.Fatal(err)
	}
	s.Stdout, s.Stderr = s.said, s.said
	s.Env = append([]string{"NOTIFY_SOCKET=" + m.path, "WATCHDOG_USEC=" + strconv.Itoa(int(time.Second/time.Microsecond))}, settings...)
	if os.Getuid() == 0 {
		s.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobody, Gid: nobody}}
	}
	if err := s.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = s.Process.Kill() // it has ended unless the test failed
		_ = s.Wait()
		if t.Failed() {
			t.Logf("the service said:\n%s", read(t, s.said.Name()))
		}
	})
	return s
}

// nobody is the user of the service in tests.
const nobody = 65534

func read(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
