package main

import (
	"context"
	"encoding/json"
	"errors"
	"io/fs"
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

// noAnswer is how long an answer of a server on a full disk may take. It takes little more
// than a second on an idle machine.
const noAnswer = 8 * time.Second

// TestServiceOfAnOlderProgram: a server does not start on what a newer program has written,
// says so, and changes no byte.
func TestServiceOfAnOlderProgram(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		newer func(t *testing.T, data string)
		says  string
	}{
		"history": {
			func(t *testing.T, data string) { setSchema(t, filepath.Join(data, "history.db"), 1000) },
			"made by a newer version of this program: its schema has version 1000",
		},
		"format of the log": {
			func(t *testing.T, data string) { setStream(t, data, "aimdb.format", "2") },
			"made by a newer version of this program: it needs format 2 and this program knows up to 1",
		},
		"NATS server": {
			func(t *testing.T, data string) { setStream(t, data, "_nats.req.level", "1000") },
			"made by a newer version of this program: it needs level of the JetStream API 1000",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			data := filepath.Join(t.TempDir(), "data")
			s := startServe(t, shortPath(t), "--data", data)
			aimdb(t, "record", "set", "room", "1", "--connect", "unix://"+s.socket).ok(t)
			must(t, s.cmd.Process.Signal(syscall.SIGTERM))
			must(t, <-s.ended)
			c.newer(t, data)
			before := contents(t, data)
			for range 2 { // also when systemd tries again
				aimdb(t, "serve", "--data", data, "--http", "off", "--nats", "off", "--mqtt", "off", "--aimx", "off").
					fails(t, exitFailed, c.says, "nothing was changed; use the newer program")
			}
			for path, text := range contents(t, data) {
				if before[path] != text {
					t.Errorf("%s was changed", path)
				}
				delete(before, path)
			}
			for path := range before {
				t.Errorf("%s is gone", path)
			}
		})
	}
}

// setStream changes the metadata of the stream that is the log.
func setStream(t *testing.T, data, key, value string) {
	t.Helper()
	found, err := filepath.Glob(filepath.Join(data, "log", "jetstream", "*", "streams", "*", "meta.inf"))
	if err != nil || len(found) != 1 {
		t.Fatal(found, err)
	}
	text, err := os.ReadFile(found[0])
	if err != nil {
		t.Fatal(err)
	}
	var stream map[string]any
	must(t, json.Unmarshal(text, &stream))
	stream["metadata"].(map[string]any)[key] = value
	text, err = json.Marshal(stream)
	if err != nil {
		t.Fatal(err)
	}
	writeText(t, found[0], string(text))
}

// contents returns all files of a directory but the index of a write-ahead log, which SQLite
// makes again whenever the file is opened.
func contents(t *testing.T, dir string) map[string]string {
	t.Helper()
	all := map[string]string{}
	must(t, filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || strings.HasSuffix(path, "-shm") {
			return err
		}
		text, err := os.ReadFile(path)
		all[path] = string(text)
		return err
	}))
	return all
}
