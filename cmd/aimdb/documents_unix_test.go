//go:build unix

package main

import (
	"database/sql"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/aimdb-go/aimdb/internal/tlstest"
)

// TestHistoryDocument runs docs/HISTORY.md, what needs a running database beside the demo and
// the rest after its end. README names no command that is not among them.
func TestHistoryDocument(t *testing.T) {
	t.Parallel()
	m := newTypist(t)
	web, socket := "127.0.0.1:"+freePort(t), shortPath(t)
	m.places = strings.NewReplacer("127.0.0.1:8080", web, "/tmp/aimdb.sock", socket)
	m.env = []string{"AIMDB_SOCKETS=" + filepath.Dir(socket)}
	demo := m.begins("aimdb demo --pace 5ms --nats off", "--http", web, "--aimx", socket)
	demo.says("the database serves")
	soon(t, "forecasts are scored", func() bool {
		return strings.Contains(m.types("aimdb history query aimdb-data/history.db 'accuracy::*' --latest 1"), "accuracy::")
	})
	lines := shellLines(t, "docs/HISTORY.md", "")
	offline := slices.IndexFunc(lines, func(line string) bool { return strings.HasPrefix(line, "aimdb history restore") })
	endpoint := slices.IndexFunc(lines, func(line string) bool { return strings.Contains(line, "/tmp/aimdb.sock") })
	if offline < 3 || endpoint < offline {
		t.Fatalf("the lines are %q", lines)
	}
	prints := func(line string) {
		t.Helper()
		if out := m.types("(" + strings.Replace(line, "> rows.", "| tee rows.", 1) + ") 2>&1"); strings.TrimSpace(out) == "" {
			t.Errorf("%s prints nothing", line)
		}
	}
	for _, line := range slices.Concat(lines[:offline], lines[endpoint:]) {
		prints(line)
	}
	demo.interrupt()
	for _, line := range lines[offline:endpoint] {
		prints(line)
	}
	typed := strings.Join(strings.Fields(strings.Join(lines, "\n")), " ")
	for _, span := range commandSpans(t, "README.md", "Looking after a history") {
		for _, command := range alternatives(span) {
			if command != "aimdb doctor" && !strings.Contains(typed, command+" ") {
				t.Errorf("README names %s, which docs/HISTORY.md does not show", command)
			}
		}
	}
	prints("aimdb doctor --dir aimdb-data")
}

// TestSinksDocument runs the commands of docs/SINKS.md: sinks of one log that all run at once,
// and what looks after them.
func TestSinksDocument(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.produce(50)
	to := postgresServer.Database(t)
	_, name, _ := strings.Cut(strings.TrimPrefix(to, "postgres://"), "/")
	name, _, _ = strings.Cut(name, "?")
	m := newTypist(t)
	m.dir = w.dir
	m.places = strings.NewReplacer("nats://127.0.0.1:4222", w.server.URL, "postgres://user@127.0.0.1/aimdb", to, "postgres-aimdb", "postgres-"+name)
	var running []*child
	for _, line := range shellLines(t, "docs/SINKS.md", "How to use one") {
		switch {
		case strings.HasPrefix(line, "aimdb sink run"):
			c := m.begins(line)
			c.says("active: the sink stores the log")
			running = append(running, c)
		case strings.HasPrefix(line, "aimdb gateway"):
			socket := shortPath(t)
			c := m.begins(line, "--socket", socket)
			soon(t, "the gateway has the last value", func() bool { return aimdb(t, "record", "get", "n::a", "--connect", socket).stdout == "50\n" })
			c.interrupt()
		case strings.HasSuffix(line, "retry --all"):
			m.types(line) // there is none
		default:
			if strings.HasPrefix(line, "aimdb verify") { // when they have all of it
				w.stored("sqlite-history")
			}
			m.types(line)
		}
	}
	if len(running) != 4 {
		t.Errorf("%d sinks run", len(running))
	}
	for _, c := range running {
		c.interrupt()
	}
	must(t, os.MkdirAll(filepath.Join(m.dir, "aimdb-data"), 0o700))
	m.types("mv history.db aimdb-data/history.db")
	for _, line := range shellLines(t, "docs/SINKS.md", "Looking after a history in PostgreSQL") {
		m.types(line)
	}
}

// TestFeedFromUse runs the loop of docs/USE.md: it begins before there is a server, and feeds
// the next one after the first was killed.
func TestFeedFromUse(t *testing.T) {
	t.Parallel()
	m := newTypist(t, "awk")
	socket := shortPath(t)
	loop := exec.Command("bash", "-c", blocksOf(t, "docs/USE.md", "Lines of a program", "sh")[0].text)
	c := &child{t: t, cmd: loop}
	loop.Stdout, loop.Stderr = c, c
	loop.Env = append(os.Environ(), "AIMDB_CONNECT="+socket,
		"PATH="+filepath.Dir(os.Getenv(binaryVariable))+string(filepath.ListSeparator)+os.Getenv("PATH"))
	loop.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // to end all of the loop
	must(t, loop.Start())
	t.Cleanup(func() {
		_ = syscall.Kill(-loop.Process.Pid, syscall.SIGKILL) // nothing ends it otherwise
		_ = loop.Wait()                                      // it was killed
		if t.Failed() {
			t.Logf("the loop said:\n%s", c.output())
		}
	})
	c.says("aimdb:")
	rows := 0
	for range 2 {
		server := m.starts(os.Getenv(binaryVariable), "serve", "--http", "off", "--nats", "off", "--mqtt", "off", "--aimx", socket, "--data", "data")
		before := rows
		soon(t, "the loop feeds the server", func() bool {
			rows = strings.Count(aimdb(t, "history", "query", socket, "machine.load", "--range", "--format", "ndjson").stdout, "\n")
			return rows > before+1
		})
		server.kill()
	}
}

// TestTokensFromUse runs what docs/USE.md says of tokens and TLS.
func TestTokensFromUse(t *testing.T) {
	t.Parallel()
	m, files := newTypist(t), tlstest.New(t)
	m.places = strings.NewReplacer("7433", freePort(t), "hub.pem", files.ServerCert, "hub.key", files.ServerKey, "ca.pem", files.CA)
	m.writes("tokens.txt", blocksOf(t, "docs/USE.md", "Who may do what", "")[0].text)
	lines := shellLines(t, "docs/USE.md", "Who may do what")
	if len(lines) != 2 {
		t.Fatalf("the lines are %q", lines)
	}
	demo := m.begins(lines[0], "--http", "off", "--nats", "off", "--aimx", shortPath(t))
	demo.says("the database serves")
	if out := m.types(lines[1]); !strings.Contains(out, "accuracy::") || strings.Contains(out, "temp::") {
		t.Errorf("a token for accuracy::* lists %s", out)
	}
	demo.interrupt()
}

// TestSecureHowTo runs docs/how-to/secure.md: a server with its settings answers 401, and
// the doctor finds nothing open.
func TestSecureHowTo(t *testing.T) {
	t.Parallel()
	const document = "docs/how-to/secure.md"
	m, files := newTypist(t, "curl"), tlstest.New(t)
	web := "127.0.0.1:" + freePort(t)
	m.places = strings.NewReplacer("hub.example.com:8443", web, "curl -i", "curl -si --cacert "+files.CA)
	settings := ""
	for _, b := range blocksOf(t, document, "", "yaml") {
		settings += b.text
	}
	m.writes("aimdb.yaml", strings.NewReplacer("0.0.0.0:8443", web, "0.0.0.0:8883", "127.0.0.1:0", "hub.pem", files.ServerCert, "hub.key", files.ServerKey).Replace(settings))
	server := m.begins("aimdb serve --config aimdb.yaml", "--aimx", shortPath(t))
	server.says("the database serves")
	for _, line := range shellLines(t, document, "") {
		out := m.types(line)
		if strings.TrimSpace(out) == "" {
			t.Errorf("%s prints nothing", line)
		}
		if strings.HasPrefix(line, "curl") && !strings.Contains(out, "401 Unauthorized") {
			t.Errorf("%s answers %s", line, out)
		}
	}
	for _, span := range commandSpans(t, document, "5. Check it") {
		if out := m.types(span); !strings.Contains(out, "certificates") || strings.Contains(out, "problem") {
			t.Errorf("%s prints %s", span, out)
		}
	}
	server.interrupt()
}

// TestSitesAndHub runs the hub and the sites of docs/how-to/scale-out.md. The hub has a free port.
func TestSitesAndHub(t *testing.T) {
	t.Parallel()
	m, port := newTypist(t), freePort(t)
	lines := shellLines(t, "docs/how-to/scale-out.md", "Sites and a hub")
	if len(lines) != 4 {
		t.Fatalf("the lines are %q", lines)
	}
	hub := m.begins(lines[0], "--listen-leaf", "127.0.0.1:"+port)
	hub.says("sites join at 127.0.0.1:" + port)
	var sites []*child
	edge := built(t, "./examples/edge")
	for _, line := range lines[1:3] {
		site, ours := strings.CutPrefix(line, "go run ./examples/edge ")
		if !ours {
			t.Fatalf("%s starts no site", line)
		}
		sites = append(sites, m.starts(edge, "-hub", "nats-leaf://127.0.0.1:"+port, "-every", "5ms", site))
	}
	verify := strings.TrimPrefix(lines[3], "go run ./cmd/")
	for _, site := range sites {
		site.says("\n10\n")
	}
	// What the hub has collected by then is up to it: other tests wait for all of it.
	for _, site := range sites {
		site.interrupt()
	}
	hub.interrupt()
	if out := m.types(verify); !strings.Contains(out, "north") || !strings.Contains(out, "south") {
		t.Errorf("%s prints %s", verify, out)
	}
}

// TestUpgradeHowTo goes the way of docs/how-to/upgrade.md and back: a history of a newer version is
// refused in the documented words, and after its backup was restored it gets the values since from
// the log.
func TestUpgradeHowTo(t *testing.T) {
	t.Parallel()
	const document = "docs/how-to/upgrade.md"
	m := newTypist(t)
	socket, data := shortPath(t), filepath.Join(m.dir, "data")
	m.places = strings.NewReplacer("/var/lib/aimdb", data, "/run/aimdb/aimdb.sock", socket, "/etc/aimdb/aimdb.yaml", "aimdb.yaml")
	m.writes("aimdb.yaml", "dir: "+data+"\nhttp: off\nnats: off\nmqtt: off\ngateways: ["+socket+"]\n")
	serve := func() *child {
		c := m.begins("aimdb serve --config aimdb.yaml")
		c.says("  aimx ")
		return c
	}
	types := func(section string) (out string) {
		for _, line := range shellLines(t, document, section) {
			out += m.types(line)
		}
		return out
	}
	set := func(n string) { m.types("echo " + n + " | aimdb produce room --connect " + socket) }
	server := serve()
	set("1")
	types("Before")
	types("Upgrade")
	set("2")
	server.interrupt()
	db, err := sql.Open("sqlite", "file:"+filepath.Join(data, "history.db"))
	must(t, err)
	_, err = db.Exec("UPDATE aimdb_meta SET value = 1 + value WHERE key = 'schema_version'")
	must(t, errors.Join(err, db.Close()))
	refused := aimdb(t, "serve", "--config", filepath.Join(m.dir, "aimdb.yaml"))
	refused.fails(t, exitFailed, strings.Split(strings.TrimSpace(blocksOf(t, document, "Go back", "text")[0].text), "\n")...)
	if out := types("Go back"); !strings.Contains(out, "1 value waits for it in the log") {
		t.Errorf("verify says %s", out)
	}
	server = serve()
	soon(t, "both values are in the history", func() bool {
		return strings.Count(m.types("aimdb history query "+socket+" room --range"), "room") == 2
	})
	server.interrupt()
}
