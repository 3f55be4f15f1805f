package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/aimdb-go/aimdb/internal/natstest"
)

// ndjsonHolds fails the test unless the files of a directory have the numbers in order.
func (w *elsewhereWorld) ndjsonHolds(dir string) {
	w.t.Helper()
	db := filepath.Join(w.t.TempDir(), "import.db")
	files, err := filepath.Glob(filepath.Join(w.dir, dir, "*.ndjson.zst*"))
	if err != nil || len(files) == 0 {
		w.t.Fatal(files, err)
	}
	for _, file := range files {
		aimdb(w.t, "history", "import", db, file).ok(w.t)
	}
	var values []string
	for line := range strings.Lines(aimdb(w.t, "history", "query", db, "n::a", "--range", "--from", "0", "--format", "ndjson").ok(w.t)) {
		values = append(values, line)
	}
	if len(values) != int(w.produced.Load()) {
		w.t.Fatalf("%s has %d of %d values", dir, len(values), w.produced.Load())
	}
	for i, v := range values {
		if !strings.Contains(v, `"value":`+strconv.Itoa(i+1)+`}`) {
			w.t.Fatalf("%s: value %d is %s", dir, i+1, v)
		}
	}
}

// TestSinksOfOneLog: two sinks of one log, one of which is killed and one of which is
// stopped, store everything once.
func TestSinksOfOneLog(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.produce(300)
	lite := w.sink("sqlite", "a.db", "active")
	lines := w.sink("ndjson", "archive", "active")
	w.produce(300)
	stop := w.load()
	lite.kill()
	lines.interrupt()
	if out := lines.output(); !strings.Contains(out, "up to its end and stops") {
		t.Errorf("the sink that was stopped said %s", out)
	}
	soon(t, "both are not running", func() bool {
		return w.state("sqlite-a", "not running") != nil && w.state("ndjson-archive", "not running") != nil
	})
	w.sink("sqlite", "a.db", "active")
	stop()
	w.produce(100)
	w.stored("sqlite-a")
	w.holds("a.db", 1)
	lag := w.state("ndjson-archive", "not running")
	if lag == nil || lag.LagMessages < 100 || lag.LagSeconds <= 0 {
		t.Errorf("the sink that does not run is %+v", lag)
	}
	lines = w.sink("ndjson", "archive", "active")
	w.stored("ndjson-archive")
	lines.interrupt()
	w.ndjsonHolds("archive")
}

// TestStandbyTakesOver: three processes run one sink, and the active one is killed under
// load.
func TestStandbyTakesOver(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	first := w.sink("sqlite", "a.db", "active")
	second := w.sink("sqlite", "a.db", "standby")
	soon(t, "one is active and one a standby", func() bool {
		return w.state("sqlite-a", "active") != nil && w.state("sqlite-a", "standby") != nil
	})
	stop := w.load()
	defer stop()
	soon(t, "something is stored", func() bool { s := w.state("sqlite-a", "active"); return s != nil && s.Checkpoint > 50 })
	first.kill()
	second.says("active")
	third := w.sink("sqlite", "a.db", "standby")
	soon(t, "the second one stores", func() bool { s := w.state("sqlite-a", "active"); return s != nil && s.PID == second.cmd.Process.Pid })
	second.kill()
	third.says("active")
	stop()
	w.stored("sqlite-a")
	w.holds("a.db", 1)
}

// TestSinkNames: another store under the name of an active sink is refused.
func TestSinkNames(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.sink("sqlite", "a.db", "active", "--sink", "main")
	c := w.start("sink", "run", "sqlite", "--to", "b.db", "--sink", "main")
	c.says("give one of them another name")
	soon(t, "it ends", func() bool { c.kill(); return true })
	if c.err == nil {
		t.Error("it ended without an error")
	}
	w.sink("sqlite", "b.db", "active", "--sink", "main_2")
	w.produce(50)
	w.stored("main")
	w.stored("main_2")
	w.holds("a.db", 1)
	w.holds("b.db", 1)
}

// TestSinkWaitsForTheLog: a sink is started before its database.
func TestSinkWaitsForTheLog(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	c := w.start("sink", "run", "sqlite", "--to", "x.db", "--name", "later")
	c.says("the log of database later does not exist yet")
	list := aimdb(t, "sink", "list", "--nats-url", w.server.URL, "--name", "later").ok(t)
	if !strings.Contains(list, "waiting for the log") {
		t.Errorf("the list is %s", list)
	}
	c.interrupt()
}

// TestSinkListErrors: servers without the log, without JetStream and with another password
// are told apart.
func TestSinkListErrors(t *testing.T) {
	t.Parallel()
	server := natstest.Start(t, natstest.Options{User: "with", Password: "x",
		Config: `accounts { A { users: [{user: with, password: x}], jetstream: enabled }, B { users: [{user: without, password: x}] } }`})
	for login, says := range map[string]string{
		"with:x@":    "have no log of a database nobody",
		"without:x@": "JetStream does not answer",
		"with:y@":    "does not accept the user",
	} {
		t.Run(says, func(t *testing.T) {
			url := strings.Replace(server.URL, "://", "://"+login, 1)
			r := aimdb(t, "sink", "list", "--nats-url", url, "--name", "nobody")
			r.fails(t, exitFailed, says)
			if strings.Contains(r.stderr, login) {
				t.Errorf("it shows the password: %s", r.stderr)
			}
		})
	}
}

func TestSinkUsage(t *testing.T) {
	for name, c := range map[string]struct {
		args []string
		says string
	}{
		"a kind":        {[]string{"sink", "run", "oracle", "--to", "x", "--nats-url", "nats://127.0.0.1:1", "--name", "hub"}, "there are ndjson, parquet, postgres, sqlite"},
		"a store":       {[]string{"sink", "run", "sqlite", "--nats-url", "nats://127.0.0.1:1", "--name", "hub"}, "--to is needed"},
		"servers":       {[]string{"sink", "run", "sqlite", "--to", "x.db", "--name", "hub"}, "--nats-url is needed"},
		"a database":    {[]string{"sink", "list", "--nats-url", "nats://127.0.0.1:1"}, "--name is needed"},
		"where to":      {[]string{"sink", "rewind", "x", "--nats-url", "nats://127.0.0.1:1", "--name", "hub"}, "--to and --store are needed"},
		"which letters": {[]string{"sink", "dead-letters", "x.db", "drop"}, "either the IDs of dead letters or --all"},
		"what to do":    {[]string{"sink", "dead-letters", "x.db", "burn", "1"}, "say list, retry or drop"},
		"where it is":   {[]string{"gateway", "--socket", "off", "--nats-url", "nats://127.0.0.1:1", "--name", "hub"}, "--socket, --http or --tcp is needed"},
	} {
		t.Run(name, func(t *testing.T) { aimdb(t, c.args...).fails(t, exitUsage, c.says) })
	}
}

// TestSinkWaitsForTheServers: a sink is started before the server of its log, and says so
// once. It does not wait if it is told so, and not for what waiting does not mend.
func TestSinkWaitsForTheServers(t *testing.T) {
	t.Parallel()
	w := &elsewhereWorld{t: t, server: natstest.Start(t, natstest.Options{User: "u", Password: "p",
		Config: `authorization { users: [{user: u, password: p}] }`}), dir: t.TempDir()}
	run := func(more ...string) []string {
		return append([]string{"sink", "run", "sqlite", "--to", filepath.Join(w.dir, "x.db"), "--name", "hub"}, more...)
	}
	url := strings.Replace(w.server.URL, "://", "://u:p@", 1)
	wrong := strings.Replace(w.server.URL, "://", "://u:q@", 1)
	aimdb(t, run("--nats-url", wrong)...).fails(t, exitFailed, "does not accept the user")
	w.server.Kill()
	aimdb(t, run("--nats-url", url, "--wait", "0")...).fails(t, exitFailed, "no server answers there")
	aimdb(t, run("--nats-url", url, "--wait", "50ms")...).fails(t, exitFailed, "no server answers there", "waits for the NATS servers")
	wait := func() *child {
		c := &child{t: t, cmd: exec.Command(os.Getenv(binaryVariable), run("--nats-url", url)...)}
		c.cmd.Stdout, c.cmd.Stderr = c, c
		if err := c.cmd.Start(); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(c.kill)
		c.says("the sink waits for the NATS servers")
		return c
	}
	wait().interrupt()
	c := wait()
	w.server.Restart()
	w.server.AwaitJetStream()
	c.says("the sink has reached the NATS servers")
	c.says("the log of database hub does not exist yet")
	c.interrupt()
	if n := strings.Count(c.output(), "waits for the NATS servers"); n != 1 || c.err != nil {
		t.Errorf("it ended with %v and said %d times that it waits:\n%s", c.err, n, c.output())
	}
}
