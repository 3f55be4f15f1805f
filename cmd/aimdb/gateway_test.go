package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestGatewayElsewhere: a gateway serves a database of another process by its log, its
// live values and a history that a sink writes.
func TestGatewayElsewhere(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.produce(50)
	w.hidden.Produce(7)
	w.sink("sqlite", "a.db", "active")
	w.stored("sqlite-a")
	socket := filepath.Join(t.TempDir(), "g.sock")
	g := w.start("gateway", "--socket", socket, "--history", "a.db")
	at := func(args ...string) result { return aimdb(t, append(args, "--connect", socket)...) }
	soon(t, "the record has its last value", func() bool { r := at("record", "get", "n::a"); return r.code == exitOK && r.stdout == "50\n" })

	soon(t, "the record of live values is known", func() bool {
		w.live.Produce(1)
		return strings.Contains(at("record", "list").ok(t), "live")
	})
	watch := w.watch(t, socket, "#")
	soon(t, "live values come", func() bool {
		w.live.Produce(1)
		return strings.Contains(watch.output(), "live")
	})
	w.produce(1)
	soon(t, "logged values come", func() bool { return strings.Contains(watch.output(), "51") })

	list := at("record", "list").ok(t)
	for _, says := range []string{"n::a", "live", "hidden", "no"} {
		if !strings.Contains(list, says) {
			t.Errorf("the list has no %s: %s", says, list)
		}
	}
	at("record", "get", "hidden").fails(t, exitFailed, "not exposed")
	at("record", "set", "n::a", "1").fails(t, exitFailed, "the database runs in another process")
	w.stored("sqlite-a")
	if out := at("record", "query", "#", "--limit", "1").ok(t); !strings.Contains(out, "51") || strings.Contains(out, "hidden") {
		t.Errorf("the newest rows are %s", out)
	}
	if out := aimdb(t, "history", "stats", socket).ok(t); !strings.Contains(out, "51") {
		t.Errorf("the statistics are %s", out)
	}

	w.stopDB()
	if out := at("record", "get", "n::a").ok(t); out != "51\n" {
		t.Errorf("while the database is away the last value is %s", out)
	}
	w.startDB()
	w.produce(1)
	soon(t, "values come after a restart of the database", func() bool { return strings.Contains(watch.output(), "52") })
	g.interrupt()
}

// TestGatewayElsewhereWithoutServers: the servers are away, and come back.
func TestGatewayElsewhereWithoutServers(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.produce(10)
	socket := filepath.Join(t.TempDir(), "g.sock")
	w.start("gateway", "--socket", socket)
	get := func() string { return aimdb(t, "record", "get", "n::a", "--connect", socket).stdout }
	soon(t, "the record has its last value", func() bool { return get() == "10\n" })
	w.server.Kill()
	if out := get(); out != "10\n" {
		t.Errorf("without the servers the last value is %q", out)
	}
	w.server.Restart()
	w.server.AwaitJetStream()
	w.produce(1)
	soon(t, "values come again", func() bool { return get() == "11\n" })
	aimdb(t, "record", "query", "n::a", "--connect", socket).fails(t, exitFailed, "no history")
}

// watch collects what a client of a gateway is sent.
func (w *elsewhereWorld) watch(t *testing.T, socket, pattern string) *child {
	t.Helper()
	c := &child{t: t, cmd: exec.Command(os.Getenv(binaryVariable), "record", "watch", pattern, "--connect", socket)}
	c.cmd.Stdout, c.cmd.Stderr = c, c
	if err := c.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.kill)
	return c
}
