//go:build unix

package main

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/aimdb-go/aimdb/internal/doctor"
	"github.com/aimdb-go/aimdb/internal/tlstest"
	"github.com/aimdb-go/aimdb/sinks"
)

// findings runs the doctor and returns what it says, and the exit status.
func findings(t *testing.T, args ...string) (all []doctor.Finding, code int) {
	t.Helper()
	r := aimdb(t, append([]string{"doctor", "--format", "json"}, args...)...)
	if err := json.Unmarshal([]byte(r.stdout), &all); err != nil {
		t.Fatalf("%v: %d\n%s\n%s", err, r.code, r.stdout, r.stderr)
	}
	return all, r.code
}

// expect finds a finding that contains a text.
func expect(t *testing.T, all []doctor.Finding, s doctor.Severity, check, text string) {
	t.Helper()
	for _, f := range all {
		if f.Severity == s && f.Check == check && strings.Contains(f.Text, text) {
			if f.Where == "" || s != doctor.OK && f.Do == "" {
				t.Errorf("it does not say where it looked, or what to do: %+v", f)
			}
			return
		}
	}
	t.Errorf("no %s of %q says %q:\n%s", s, check, text, listing(all))
}

func listing(all []doctor.Finding) string {
	var b strings.Builder
	for _, f := range all {
		fmt.Fprintln(&b, f)
	}
	return b.String()
}

// tree lists all files with their sizes and times.
func tree(t *testing.T, dir string) string {
	t.Helper()
	var b strings.Builder
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err == nil {
			fmt.Fprintln(&b, path, info.Size(), info.Mode(), info.ModTime())
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// TestDoctorAndAServer: beside a healthy server the doctor finds no problem and names the
// process; after it has ended it changes no file; and then each thing is broken for real.
func TestDoctorAndAServer(t *testing.T) {
	t.Parallel()
	above, data := t.TempDir(), filepath.Join(t.TempDir(), "data")
	socket := shortPath(t)
	config := filepath.Join(above, "aimdb.yaml")
	settings := fmt.Sprintf("dir: %s\nhttp: off\nnats: off\nmqtt: off\ngateways: [%s]\nhistory_age: 365d\nbackup: {every: 1h, keep: 2}\n"+
		"records: [{key: room, schema: {type: number}}]\n", data, socket)
	writeText(t, config, settings)
	d := startServe(t, socket, "--config", config)
	aimdb(t, "record", "set", "room", "1", "--connect", socket).ok(t)
	soon(t, "there is a backup", func() bool {
		left, err := filepath.Glob(filepath.Join(data, "backups", "*.db"))
		return err == nil && len(left) > 0
	})
	all, code := findings(t, "--config", config)
	if code != exitOK {
		t.Errorf("a healthy database: %d\n%s", code, listing(all))
	}
	expect(t, all, doctor.OK, "server", "answers and speaks AimX")
	expect(t, all, doctor.OK, "losses", "none of 1 records")
	expect(t, all, doctor.OK, "backup", "the newest of 1")
	expect(t, all, doctor.Warning, "backup", "on the file system of the history")
	aimdb(t, "record", "set", "room", `"x"`, "--connect", socket)
	all, _ = findings(t, "--connect", socket)
	expect(t, all, doctor.Warning, "refused", "1 values from outside were refused")
	if _, err := os.Stat("/proc/locks"); err == nil {
		all, _ = findings(t, "--dir", data)
		expect(t, all, doctor.OK, "lock", fmt.Sprintf("process %d uses the directory", d.cmd.Process.Pid))
	}
	if err := d.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	<-d.ended
	before := tree(t, data)
	all, code = findings(t, "--config", config)
	if code != exitOK || tree(t, data) != before {
		t.Errorf("status %d; before\n%s\nafter\n%s\n%s", code, before, tree(t, data), listing(all))
	}
	expect(t, all, doctor.OK, "log", "the history continues it after sequence 1")
	expect(t, all, doctor.OK, "server", "no server answers there")
	if all, code = findings(t, "--connect", socket); code != exitFailed {
		t.Errorf("no server: %d %s", code, listing(all))
	}
	expect(t, all, doctor.Problem, "server", "connect")

	meta, err := filepath.Glob(filepath.Join(data, "log", "jetstream", "*", "streams", "*", "meta.inf"))
	if err != nil || len(meta) != 1 {
		t.Fatal(meta, err)
	}
	history := filepath.Join(data, "history.db")
	made, err := filepath.Glob(filepath.Join(data, "backups", "*.db"))
	if err != nil || len(made) != 1 {
		t.Fatal(made, err)
	}
	for _, c := range []struct {
		s           doctor.Severity
		check, text string
		broken      func()
	}{
		{doctor.Warning, "permissions", "mode 755", func() { must(t, os.Chmod(data, 0o755)) }},
		{doctor.Warning, "leftovers", "rest of a restore", func() { writeText(t, history+".restoring", "x") }},
		{doctor.Warning, "leftovers", "moved aside", func() { writeText(t, history+".corrupt-20260101T000000.000Z", "x") }},
		{doctor.Warning, "backup", "rest of a backup", func() { writeText(t, made[0]+".part", "x") }},
		{doctor.Problem, "backup", "and one is due every 1h", func() {
			must(t, os.Rename(made[0], strings.Replace(made[0], filepath.Base(made[0])[len(filepath.Base(made[0]))-19:], "20200101T000000Z.db", 1)))
		}},
		{doctor.Problem, "backup", "no such file", func() { must(t, os.RemoveAll(filepath.Join(data, "backups"))) }},
		{doctor.Problem, "log", "continues another log", func() { writeText(t, meta[0], `{"metadata":{"aimdb.identity":"aimdb/OTHER"}}`) }},
		{doctor.Problem, "log", "cannot be read", func() { writeText(t, meta[0], `{`) }},
		{doctor.Warning, "log", "there is none here", func() { must(t, os.RemoveAll(filepath.Join(data, "log"))) }},
		{doctor.Warning, "write-ahead log", "has grown to", func() {
			must(t, os.WriteFile(history+"-wal", nil, 0o600))
			must(t, os.Truncate(history+"-wal", 300<<20))
		}},
		{doctor.Problem, "history", "damaged", func() { writeText(t, history, "SQLite format 3\x00"+strings.Repeat("x", 5000)) }},
		{doctor.Problem, "directory", "is no directory", func() { must(t, os.RemoveAll(data)); writeText(t, data, "") }},
		{doctor.Problem, "directory", "does not exist", func() { must(t, os.Remove(data)) }},
	} {
		c.broken()
		all, code := findings(t, "--config", config)
		expect(t, all, c.s, c.check, c.text)
		if (code == exitFailed) != strings.Contains(listing(all), "{problem ") {
			t.Errorf("%s: status %d\n%s", c.text, code, listing(all))
		}
	}
}

func writeText(t *testing.T, path, text string) {
	t.Helper()
	must(t, os.WriteFile(path, []byte(text), 0o600))
}

// TestDoctorAndTheClock: rows of the future are found.
func TestDoctorAndTheClock(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	fillHistory(t, filepath.Join(dir, "history.db"), []sinks.Entry{{Sequence: 1, Record: "a", Time: time.Now().Add(time.Hour).UnixMilli(), Value: []byte("1")}})
	for _, args := range [][]string{{"--dir", dir}, {dir}, {dir, "--dir", dir}} {
		all, _ := findings(t, args...)
		expect(t, all, doctor.Warning, "clock", "ahead of the clock")
	}
	aimdb(t, "doctor", dir, "--dir", t.TempDir()).fails(t, exitUsage, "two directories")
	aimdb(t, "doctor", "tcp://127.0.0.1:1").fails(t, exitUsage, "--connect")
}

// TestDoctorWithoutAFile: listeners of the defaults are not those of a running server, and
// the doctor says so. A server that is asked has no listeners of the defaults.
func TestDoctorWithoutAFile(t *testing.T) {
	data, socket := filepath.Join(t.TempDir(), "data"), shortPath(t)
	startServe(t, socket, "--data", data)
	t.Setenv("AIMDB_DIR", data)
	t.Setenv("AIMDB_GATEWAYS", socket)
	all, _ := findings(t)
	expect(t, all, doctor.Warning, "settings", "what follows are the defaults")
	expect(t, all, doctor.OK, "listeners", "4222")
	for _, args := range [][]string{{"--connect", socket}, {data}} {
		all, _ := findings(t, args...)
		if said := listing(all); strings.Contains(said, "4222") || strings.Contains(said, "the defaults") {
			t.Errorf("%q:\n%s", args, said)
		}
	}
	// A token is for the web server, and the socket of the settings answers without it.
	all, _ = findings(t, "--token", "some-token")
	expect(t, all, doctor.OK, "server", "answers and speaks AimX")
}

func TestDoctorAndSettings(t *testing.T) {
	t.Parallel()
	files := tlstest.New(t) // they end in a day
	for _, c := range []struct {
		settings    string
		s           doctor.Severity
		check, text string
	}{
		{"htpp: x", doctor.Problem, "settings", `there is no setting "htpp"`},
		{"backup: {every: 1d}\nhistory: postgres://h/d", doctor.Problem, "settings", "pg_dump"},
		{"http: 0.0.0.0:1", doctor.Problem, "listeners", "everybody who reaches 0.0.0.0:1 is let in"},
		{"nats: 0.0.0.0:1", doctor.Problem, "listeners", "everybody who reaches 0.0.0.0:1 is let in"},
		{"mqtt: 0.0.0.0:1\nnats: off\ntokens: [{token: long-enough-token, read: ['#']}]", doctor.Warning, "listeners", "is not encrypted"},
		{"tls: {cert_file: " + files.ServerCert + ", key_file: " + files.ServerKey + "}", doctor.Warning, "certificates", "it ends at"},
		{"tls: {cert_file: " + files.ServerKey + ", key_file: " + files.ServerKey + "}", doctor.Problem, "certificates", "x509"},
		{"tls: {cert_file: /none.pem, key_file: /none.key}", doctor.Problem, "certificates", "no such file"},
		{"log_age: 1h", doctor.Warning, "log_age", "for 1h0m0s"},
		{"name: n", doctor.Warning, "retention", "for ever; its disk has"},
		{"name: n", doctor.Warning, "backup", "is not backed up"},
		{"log_bytes: 900TB", doctor.Warning, "space", "the log may grow by"},
	} {
		dir := t.TempDir()
		path := filepath.Join(dir, "a.yaml")
		writeText(t, path, "dir: "+dir+"\ngateways: []\n"+c.settings+"\n")
		all, _ := findings(t, "--config", path)
		expect(t, all, c.s, c.check, c.text)
	}
}
