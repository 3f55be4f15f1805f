package main

import (
	"database/sql"
	"encoding/json"
	"maps"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/aimdb-go/aimdb/history"
	"github.com/aimdb-go/aimdb/internal/doctor"
	"github.com/aimdb-go/aimdb/sinks"
	"github.com/aimdb-go/aimdb/sinks/sinktest"
	"github.com/aimdb-go/aimdb/sinks/sqlite"
)

// findingOf returns the finding of a check, the zero Finding if there is none that is not OK.
func findingOf(all []doctor.Finding, check string) doctor.Finding {
	for _, f := range all {
		if f.Check == check && f.Severity != doctor.OK {
			return f
		}
	}
	return doctor.Finding{}
}

// TestDoctorAndDisks: a directory on a tmpfs or a ramfs is a warning, and one whose disk fills
// is a problem once little is left.
func TestDoctorAndDisks(t *testing.T) {
	t.Parallel()
	d := newFaultyDisk(t)
	d.may(syscall.Mount("", d.dir, "", syscall.MS_REMOUNT, "size=256m"))
	d.may(os.Mkdir(d.data(), 0o700))
	all, _ := findings(t, "--dir", d.data())
	expect(t, all, doctor.Warning, "file system", "it is on tmpfs: what it holds ends with the machine")
	if f := findingOf(all, "space"); f.Severity == doctor.Problem {
		t.Errorf("an empty disk of 256 MB: %+v", f)
	}
	f, err := os.Create(filepath.Join(d.dir, "filler"))
	d.may(err)
	d.may(syscall.Fallocate(int(f.Fd()), 0, 0, 200<<20))
	d.may(f.Close())
	all, code := findings(t, "--dir", d.data())
	expect(t, all, doctor.Problem, "space", "MiB free")
	if code != exitFailed {
		t.Errorf("a nearly full disk: status %d", code)
	}
	d.free()

	d.may(syscall.Mount("ramfs", d.data(), "ramfs", 0, ""))
	t.Cleanup(func() { d.may(syscall.Unmount(d.data(), 0)) })
	all, _ = findings(t, "--dir", d.data())
	expect(t, all, doctor.Warning, "file system", "it is on ramfs")
}

// TestDoctorAndOpenFiles: a process that can open few files is warned of.
func TestDoctorAndOpenFiles(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for limit, warns := range map[string]bool{"512": true, "1024": false} {
		out, err := exec.Command("sh", "-c", "ulimit -n "+limit+`; exec "$0" doctor --format json --dir "$1"`, os.Getenv(binaryVariable), dir).Output()
		var all []doctor.Finding
		if failed := json.Unmarshal(out, &all); failed != nil {
			t.Fatal(err, failed, string(out))
		}
		if warns {
			expect(t, all, doctor.Warning, "open files", "512 files can be open")
		} else if f := findingOf(all, "open files"); f != (doctor.Finding{}) {
			t.Errorf("with a limit of %s: %+v", limit, f)
		}
	}
}

// setSchema changes the version that a history says its schema has.
func setSchema(t *testing.T, path string, version int) {
	t.Helper()
	db, err := sql.Open("sqlite", "file:"+path)
	if err != nil {
		t.Fatal(err)
	}
	result, err := db.ExecContext(t.Context(), "UPDATE aimdb_meta SET value = ? WHERE key = 'schema_version'", version)
	if err != nil {
		t.Fatal(err)
	}
	if n, err := result.RowsAffected(); n != 1 || err != nil {
		t.Fatal(n, err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
}

// TestDoctorAndAHistory: one of a newer program is a problem, dead letters that wait are a
// warning, also beside the server that has the history open.
func TestDoctorAndAHistory(t *testing.T) {
	t.Parallel()
	data := t.TempDir()
	path := filepath.Join(data, "history.db")
	fillHistory(t, path, []sinks.Entry{{Sequence: 1, Record: "a", Time: base, Value: []byte("1")}})
	all, _ := findings(t, "--dir", data)
	expect(t, all, doctor.OK, "history", "1 rows of 1 records")
	if f := findingOf(all, "dead letters"); f != (doctor.Finding{}) {
		t.Errorf("without dead letters: %+v", f)
	}
	withStore(t, path, func(s *sqlite.Store) {
		e := sinks.Entry{Sequence: 2, Record: "a", Time: base, Value: []byte("2")}
		b := &sinks.Batch{Checkpoint: history.Position{Log: "test", Sequence: 2}, Refused: []sinks.Refusal{{Entry: e, Reason: "too large"}}}
		if err := sinktest.Append(t.Context(), s, b); err != nil {
			t.Fatal(err)
		}
	})
	all, _ = findings(t, "--dir", data)
	expect(t, all, doctor.Warning, "dead letters", "1 values could not be stored")
	advised := regexp.MustCompile(`'aimdb (.*)'`).FindStringSubmatch(findingOf(all, "dead letters").Do)
	if out := aimdb(t, strings.Fields(advised[1])...).ok(t); !strings.Contains(out, "too large") {
		t.Errorf("%s says %s", advised[1], out)
	}
	socket := shortPath(t)
	s := startServe(t, socket, "--data", data)
	all, _ = findings(t, "--connect", socket)
	expect(t, all, doctor.Warning, "dead letters", "1 values could not be stored")
	must(t, s.cmd.Process.Signal(syscall.SIGTERM))
	must(t, <-s.ended)

	setSchema(t, path, 1000)
	all, code := findings(t, "--dir", data)
	expect(t, all, doctor.Problem, "history", "its schema has version 1000")
	if code != exitFailed {
		t.Errorf("a history of a newer program: status %d", code)
	}
}

// TestDoctorAndALogOfANewerProgram: it is a problem with what to do, and stays as it is.
func TestDoctorAndALogOfANewerProgram(t *testing.T) {
	t.Parallel()
	data := filepath.Join(t.TempDir(), "data")
	s := startServe(t, shortPath(t), "--data", data)
	must(t, s.cmd.Process.Signal(syscall.SIGTERM))
	must(t, <-s.ended)
	all, code := findings(t, "--dir", data)
	if f := findingOf(all, "log"); f != (doctor.Finding{}) || code != exitOK {
		t.Errorf("a log of this program: status %d, %+v", code, f)
	}
	setStream(t, data, "aimdb.format", "2")
	before := contents(t, data)
	all, code = findings(t, "--dir", data)
	expect(t, all, doctor.Problem, "log", "it needs format 2 and this program knows up to 1")
	if f := findingOf(all, "log"); code != exitFailed || !strings.Contains(f.Do, "use the newer program") {
		t.Errorf("status %d, and what to do is %q", code, f.Do)
	}
	if !maps.Equal(contents(t, data), before) {
		t.Error("the doctor has changed the directory")
	}
}

// TestDoctorAndHealth: what /health of a server says is a problem, and so is a clock that
// differs.
func TestDoctorAndHealth(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	config, address := filepath.Join(dir, "aimdb.yaml"), "127.0.0.1:"+freePort(t)
	settings := "dir: " + filepath.Join(dir, "data") + "\n"
	writeText(t, config, settings)
	s := startServe(t, shortPath(t), "--config", config, "--http", address)
	all, code := findings(t, "--connect", "http://"+address)
	expect(t, all, doctor.OK, "health", "the server says ok")
	if code != exitOK || findingOf(all, "clock") != (doctor.Finding{}) {
		t.Errorf("a healthy server: status %d\n%s", code, listing(all))
	}
	for _, ahead := range []time.Duration{time.Hour, -time.Hour} {
		now := func() time.Time { return time.Now().Add(ahead) }
		all = doctor.Health(t.Context(), &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}, "http://"+address, "", now)
		expect(t, all, doctor.Warning, "clock", "the clock of the server and that of this machine differ by ")
	}
	writeText(t, config, settings+"htpp: x\n")
	must(t, s.cmd.Process.Signal(syscall.SIGHUP))
	soon(t, "the server is degraded", func() bool {
		_, text := answerOf(t, http.MethodGet, "http://"+address+"/health", "")
		return strings.Contains(text, "degraded")
	})
	all, code = findings(t, "--connect", "http://"+address)
	expect(t, all, doctor.Problem, "health", `there is no setting "htpp"`)
	if code != exitFailed {
		t.Errorf("a degraded server: status %d", code)
	}
}
