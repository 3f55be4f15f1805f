//go:build interop

package interop

import (
	"strings"
	"testing"
)

// TestNATSCommand: what a person with the nats command sees of a running hub.
func TestNATSCommand(t *testing.T) {
	nats := tool(t, "nats")
	address := startHub(t)
	for subject, member := range map[string]string{
		"aimdb.*.live.>": `"celsius"`,
		"aimdb.*.log.>":  `"absolute_error"`,
	} {
		out := run(t, nats, "--server", address, "sub", subject, "--count", "4")
		t.Logf("nats sub '%s'\n%s", subject, out)
		if n := strings.Count(out, "Received on"); n != 4 || !strings.Contains(out, member) {
			t.Errorf("nats sub '%s' printed %d values, want 4, some with %s", subject, n, member)
		}
	}
	out := run(t, nats, "--server", address, "sub", "--stream", "AIMDB_hub", "--all", "aimdb.hub.log.>", "--count", "4")
	t.Logf("nats sub --stream\n%s", out)
	if n := strings.Count(out, "Received JetStream message"); n < 4 {
		t.Errorf("nats sub --stream printed %d values, want 4 or more", n)
	}
	out = run(t, nats, "--server", address, "stream", "subjects", "AIMDB_hub", "aimdb.hub.log.>")
	if !strings.Contains(out, "aimdb.hub.log.accuracy.") {
		t.Errorf("nats stream subjects printed %s", out)
	}
	out = run(t, nats, "--server", address, "stream", "report")
	t.Logf("nats stream report\n%s", out)
	if !strings.Contains(out, "AIMDB_hub") {
		t.Error("nats stream report does not show the log")
	}
	for _, args := range [][]string{{"sub", "--stream", "AIMDB_hub", "--all"}, {"stream", "get", "AIMDB_hub", "1"}, {"stream", "subjects", "AIMDB_hub"}} {
		out := refused(t, nats, append([]string{"--server", address}, args...)...)
		if !strings.Contains(out, "aimdb.hub.log.>") && !strings.Contains(out, "name the subject") {
			t.Errorf("nats %v: %s; want it to say what to write", args, out)
		}
	}
}

// TestNATSService: what a person with the nats command asks of a running hub.
func TestNATSService(t *testing.T) {
	nats := tool(t, "nats")
	address := startHub(t)
	command := func(args ...string) string {
		out := run(t, nats, append([]string{"--server", address}, args...)...)
		t.Logf("nats %s\n%s", strings.Join(args, " "), out)
		return out
	}
	for _, c := range []struct {
		args []string
		want []string
	}{
		{[]string{"micro", "ls"}, []string{"aimdb-hub", "1.0.0"}},
		{[]string{"micro", "info", "aimdb-hub"}, []string{"aimdb.hub.rpc.get.>", "history-page"}},
		{[]string{"req", "aimdb.hub.rpc.list", ""}, []string{`"record_key":"temp::seattle"`}},
		{[]string{"req", "aimdb.hub.rpc.get.temp.seattle", ""}, []string{`"celsius"`}},
		{[]string{"req", "aimdb.hub.rpc.query.accuracy._all", `{"limit":1}`}, []string{`"total":2`}},
		{[]string{"req", "aimdb.hub.rpc.get.nothing", ""}, []string{"404", "there is no record"}},
		{[]string{"req", "aimdb.hub.rpc.set.hub.settings", `{"value":{}}`}, []string{"403", "ServiceWrites"}},
		{[]string{"micro", "stats", "aimdb-hub"}, []string{"get-of"}},
	} {
		out := command(c.args...)
		for _, want := range c.want {
			if !strings.Contains(out, want) {
				t.Errorf("nats %v does not print %s", c.args, want)
			}
		}
	}
}
