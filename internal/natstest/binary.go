package natstest

import (
	"errors"
	"os/exec"
	"strings"
	"testing"
)

// module has the server. It is a tool of go.mod.
const module = "github.com/nats-io/nats-server/v2"

// binary returns the path of the server's binary. The go command builds it into its build
// cache if it is not there.
func binary(t testing.TB) string {
	t.Helper()
	out, err := exec.Command("go", "tool", "-n", module).Output()
	if err != nil {
		said := ""
		if exit := (*exec.ExitError)(nil); errors.As(err, &exit) {
			said = string(exit.Stderr)
		}
		t.Fatalf("build %s: %v\n%s", module, err, said)
	}
	return strings.TrimSpace(string(out))
}
