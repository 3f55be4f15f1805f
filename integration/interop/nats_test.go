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
	out := run(t, nats, "--server", address, "stream", "report")
	t.Logf("nats stream report\n%s", out)
	if !strings.Contains(out, "AIMDB_hub") {
		t.Error("nats stream report does not show the log")
	}
}
