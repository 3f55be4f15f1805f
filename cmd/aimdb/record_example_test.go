package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestExamplesOfRecord runs the examples of 'aimdb record' against the demo, as a shell does.
func TestExamplesOfRecord(t *testing.T) {
	t.Parallel()
	d := startDemo(t, t.TempDir(), "--pace", "20ms")
	defer d.stop(t)
	for begin := time.Now(); aimdb(t, "record", "query", "accuracy::*", "--connect", d.socket).ok(t) == ""; {
		if time.Since(begin) > time.Minute {
			t.Fatal("nothing is stored")
		}
	}
	found := 0
	for line := range strings.Lines(newRecord(os.Getenv).Example) {
		found++
		cmd := exec.CommandContext(t.Context(), "sh", "-c", line)
		cmd.Env = append(os.Environ(), "AIMDB_CONNECT="+d.socket,
			"PATH="+filepath.Dir(os.Getenv(binaryVariable))+string(os.PathListSeparator)+os.Getenv("PATH"))
		var stderr strings.Builder
		cmd.Stderr = &stderr
		if out, err := cmd.Output(); err != nil || len(out) == 0 {
			t.Errorf("%s: %v\n%s\n%s", strings.TrimSpace(line), err, out, &stderr)
		}
	}
	if found < 7 {
		t.Errorf("there are only %d examples", found)
	}
}
