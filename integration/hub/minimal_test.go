package hub

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// The smallest example fits on a page, and at its second start has the row of
// the first.
func TestMinimalExample(t *testing.T) {
	t.Parallel()
	source, err := os.ReadFile(filepath.FromSlash("../../examples/minimal/main.go"))
	if err != nil {
		t.Fatal(err)
	}
	if lines := bytes.Count(source, []byte("\n")); lines > 40 {
		t.Errorf("it has %d lines, want 40 at most", lines)
	}
	dir := t.TempDir()
	binary := filepath.Join(dir, "minimal")
	if out, err := exec.Command("go", "build", "-o", binary, "github.com/aimdb-go/aimdb/examples/minimal").CombinedOutput(); err != nil {
		t.Fatalf("build it: %v\n%s", err, out)
	}
	before := ""
	for run := range 2 {
		cmd := exec.Command(binary)
		cmd.Dir = dir
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("run %d: %v\n%s", run+1, err, out)
		}
		added, ok := strings.CutPrefix(string(out), before)
		if !ok || !strings.HasPrefix(added, fmt.Sprintf("program::starts %d ", run+1)) || strings.Count(added, "\n") != 1 {
			t.Fatalf("run %d prints\n%s\nwant one row more than\n%s", run+1, out, before)
		}
		before = string(out)
	}
}
