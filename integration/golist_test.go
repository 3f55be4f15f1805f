package integration_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	"strings"
	"testing"
)

const module = "github.com/aimdb-go/aimdb"

// listed is what the rules need to know of a package, as go list -json says it.
type listed struct {
	Dir        string
	ImportPath string
	Name       string
	GoFiles    []string
	Imports    []string
}

// path is the package's path inside the module, "." for its root.
func (p listed) path() string { return inModule(p.ImportPath) }

// inModule returns the path inside the module, or "" for somebody else's package.
func inModule(importPath string) string {
	if importPath == module {
		return "."
	}
	path, ours := strings.CutPrefix(importPath, module+"/")
	if !ours {
		return ""
	}
	return path
}

// packages lists all packages of the module, without their tests.
func packages(t *testing.T) []listed {
	t.Helper()
	var out []listed
	d := json.NewDecoder(bytes.NewReader(goTool(t, "list", "-json=Dir,ImportPath,Name,GoFiles,Imports", module+"/...")))
	for {
		var p listed
		err := d.Decode(&p)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatalf("reading go list: %v", err)
		}
		if len(p.GoFiles) > 0 {
			out = append(out, p)
		}
	}
	if len(out) < 3 {
		t.Fatalf("go list found %d packages, and the rules would hold for nothing", len(out))
	}
	return out
}

// goTool runs the go command and returns what it printed.
func goTool(t *testing.T, args ...string) []byte {
	t.Helper()
	var stderr bytes.Buffer
	cmd := exec.Command("go", args...)
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go %s: %v\n%s", strings.Join(args, " "), err, stderr.String())
	}
	return out
}

func decode(t *testing.T, data []byte, into any) {
	t.Helper()
	if err := json.Unmarshal(data, into); err != nil {
		t.Fatalf("decoding %.60q: %v", data, err)
	}
}
