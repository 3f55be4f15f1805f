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
