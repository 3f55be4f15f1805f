package main

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/aimdb-go/aimdb/internal/needed"
)

// faultyDisk is a small disk of its own, which every user can reach and write to.
type faultyDisk struct {
	t        *testing.T
	top, dir string
}

func newFaultyDisk(t *testing.T) faultyDisk {
	t.Helper()
	if os.Getuid() != 0 {
		needed.Missing(t, "root, to mount a disk and to start a process as another user")
	}
	top, err := os.MkdirTemp("", "f") // t.TempDir cannot be entered by other users
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(top) })
	d := faultyDisk{t, top, filepath.Join(top, "disk")}
	d.may(os.Chmod(top, 0o711))
	d.may(os.Mkdir(d.dir, 0o777))
	switch err := syscall.Mount("tmpfs", d.dir, "tmpfs", 0, "size=64m,mode=0777"); {
	case errors.Is(err, syscall.EPERM) || errors.Is(err, syscall.EACCES):
		needed.Missing(t, "the permission to mount, in a container CAP_SYS_ADMIN: %v", err)
	case err != nil:
		t.Fatal(err)
	}
	t.Cleanup(func() { d.may(syscall.Unmount(d.dir, 0)) })
	return d
}

func (d faultyDisk) may(err error) {
	d.t.Helper()
	if err != nil {
		d.t.Fatal(err)
	}
}

// data is the directory of the server.
func (d faultyDisk) data() string { return filepath.Join(d.dir, "data") }

func (d faultyDisk) fill() {
	d.t.Helper()
	f, err := os.Create(filepath.Join(d.dir, "filler"))
	d.may(err)
	for size := 1 << 20; size > 0; {
		if _, err := f.Write(make([]byte, size)); errors.Is(err, syscall.ENOSPC) {
			size /= 2
		} else {
			d.may(err)
		}
	}
	d.may(f.Close())
}

func (d faultyDisk) free() {
	d.t.Helper()
	d.may(os.Remove(filepath.Join(d.dir, "filler")))
}

// served starts a server that has a value and ends in order.
func (d faultyDisk) served() {
	d.t.Helper()
	s := startServe(d.t, filepath.Join(d.top, "a"), "--data", d.data())
	aimdb(d.t, "record", "set", "room", `{"n":1}`, "--connect", "unix://"+s.socket).ok(d.t)
	d.may(s.cmd.Process.Signal(syscall.SIGTERM))
	d.may(<-s.ended)
}

// fails starts a server that must end by itself, and returns what it said.
func (d faultyDisk) fails(as *syscall.Credential) string {
	d.t.Helper()
	program := filepath.Join(d.top, "aimdb") // where another user may run it
	if _, err := os.Stat(program); err != nil {
		d.may(exec.Command("cp", os.Getenv(binaryVariable), program).Run())
	}
	ctx, cancel := context.WithTimeout(d.t.Context(), time.Minute)
	defer cancel()
	c := exec.CommandContext(ctx, program, "serve", "--data", d.data(), "--http", "off", "--nats", "off", "--mqtt", "off", "--aimx", "off")
	c.Dir = "/"
	c.SysProcAttr = &syscall.SysProcAttr{Credential: as}
	out, err := c.CombinedOutput()
	var exit *exec.ExitError
	if !errors.As(err, &exit) || exit.ExitCode() != exitFailed {
		d.t.Errorf("it ended with %v, want status %d\n%s", err, exitFailed, out)
	}
	return string(out)
}

// documentedFault compares what a server said with a line of the document about services.
func documentedFault(t *testing.T, said, want string) {
	t.Helper()
	const document = "docs/how-to/run-as-a-service.md"
	if !strings.Contains(said, want) {
		t.Errorf("it says %s\nwant %s", said, want)
	}
	text, err := os.ReadFile(filepath.Join(root, document))
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(text), want) {
		t.Errorf("%s does not have %q", document, want)
	}
}

// TestServiceThatCannotStart: a server that may not write its data says why, changes nothing,
// and starts with all it had once the cause is gone.
func TestServiceThatCannotStart(t *testing.T) {
	t.Parallel()
	nobody := &syscall.Credential{Uid: 65534, Gid: 65534}
	for name, fault := range map[string]struct {
		as         *syscall.Credential
		used       bool // the directory has data of before
		begin, end func(d faultyDisk)
		want       []string
	}{
		"another user, new directory": {
			as:    nobody,
			begin: func(d faultyDisk) { d.may(os.Chmod(d.dir, 0o755)) },
			end:   func(faultyDisk) {},
			want:  []string{"make the data directory (setting dir, --data): mkdir ", ": permission denied"},
		},
		"another user": {
			as: nobody, used: true,
			begin: func(faultyDisk) {},
			end:   func(faultyDisk) {},
			want:  []string{"history.db.lock: permission denied"},
		},
		"another user's files": {
			as: nobody, used: true,
			begin: func(d faultyDisk) { d.may(os.Chmod(d.data(), 0o777)) },
			end:   func(d faultyDisk) { d.may(os.Chmod(d.data(), 0o700)) },
			want:  []string{"unable to open database file (14) (it or its directory is missing, or the user of this process may not write there)"},
		},
		"read-only disk, new directory": {
			begin: readOnly, end: writable,
			want: []string{": read-only file system"},
		},
		"read-only disk": {
			used:  true,
			begin: readOnly, end: writable,
			want: []string{": read-only file system"},
		},
		"full disk, new directory": {
			begin: faultyDisk.fill, end: faultyDisk.free,
			want: []string{"database or disk is full (13) (free some space on its disk; the log keeps the values until then)"},
		},
		"full disk": {
			used:  true,
			begin: faultyDisk.fill, end: faultyDisk.free,
			want: []string{"(its disk is full or failing)"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			d := newFaultyDisk(t)
			if fault.used {
				d.served()
			}
			fault.begin(d)
			said := d.fails(fault.as)
			for _, want := range fault.want {
				documentedFault(t, said, want)
			}
			fault.end(d)
			d.served()
			if out := aimdb(t, "history", "query", filepath.Join(d.data(), "history.db"), "room", "--latest", "9", "--format", "ndjson").ok(t); !strings.Contains(out, `{"n":1}`) {
				t.Errorf("the history has %s", out)
			}
		})
	}
}

func readOnly(d faultyDisk) {
	d.may(syscall.Mount("", d.dir, "", syscall.MS_REMOUNT|syscall.MS_RDONLY, "size=64m"))
}

func writable(d faultyDisk) {
	d.may(syscall.Mount("", d.dir, "", syscall.MS_REMOUNT, "size=64m"))
}

// TestServiceOnADiskThatFills: the server goes on, acknowledges nothing that it cannot keep,
// says so, and takes values again once there is space.
func TestServiceOnADiskThatFills(t *testing.T) {
	t.Parallel()
	d := newFaultyDisk(t)
	at := "http://127.0.0.1:" + freePort(t)
	s := startServe(t, filepath.Join(d.top, "a"), "--data", d.data(), "--http", strings.TrimPrefix(at, "http://"))
	if status, _ := answerOf(t, http.MethodPut, at+"/api/records/room", `{"n":1}`); status != http.StatusNoContent {
		t.Fatalf("PUT is answered with %d", status)
	}
	d.fill()
	large := `"` + strings.Repeat("x", 1<<16) + `"`
	if status, _ := answerOf(t, http.MethodPut, at+"/api/records/large", large); status != 0 {
		t.Errorf("PUT on a full disk is answered with %d", status)
	}
	soon(t, "/health is degraded", func() bool {
		status, text := answerOf(t, http.MethodGet, at+"/health", "")
		return status == http.StatusOK && strings.Contains(text, "the log did not answer within 5s; its disk may be full, or it has no leader")
	})
	for _, path := range []string{"/livez", "/readyz", "/api/records/room"} {
		if status, text := answerOf(t, http.MethodGet, at+path, ""); status != http.StatusOK {
			t.Errorf("%s is answered with %d %s", path, status, text)
		}
	}
	said := serveSaid(t, s.socket)
	documentedFault(t, said, "the log did not answer within 5s; its disk may be full, or it has no leader")
	documentedFault(t, said, "no space left on device")
	d.free()
	soon(t, "PUT is answered again", func() bool {
		status, _ := answerOf(t, http.MethodPut, at+"/api/records/room", `{"n":2}`)
		return status == http.StatusNoContent
	})
	d.may(s.cmd.Process.Signal(syscall.SIGTERM))
	d.may(<-s.ended)
	out := aimdb(t, "history", "query", filepath.Join(d.data(), "history.db"), "room", "--latest", "9", "--format", "ndjson").ok(t)
	if !strings.Contains(out, `{"n":1}`) || !strings.Contains(out, `{"n":2}`) {
		t.Errorf("the history has %s", out)
	}
}

// answerOf returns the answer of a request, and 0 if there is none within some seconds.
func answerOf(t *testing.T, method, url, body string) (status int, text string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 8*time.Second)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		return 0, err.Error()
	}
	defer func() { _ = answer.Body.Close() }()
	var b bytes.Buffer
	if _, err := io.Copy(&b, answer.Body); err != nil {
		t.Fatal(err)
	}
	return answer.StatusCode, b.String()
}
