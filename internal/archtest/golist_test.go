package archtest_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
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
	Standard   bool
}

// graph holds packages by their import paths.
type graph map[string]listed

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

// importPath is the way back from inModule.
func importPath(path string) string {
	if path == "." {
		return module
	}
	return module + "/" + path
}

// packages lists all packages of the module, without their tests.
func packages(t *testing.T) []listed {
	t.Helper()
	out := goList(t, "list", "-json=Dir,ImportPath,Name,GoFiles,Imports", module+"/...")
	out = slices.DeleteFunc(out, func(p listed) bool { return len(p.GoFiles) == 0 })
	if len(out) < 3 {
		t.Fatalf("go list found %d packages, and the rules would hold for nothing", len(out))
	}
	return out
}

// allPackages lists the packages of the module and all that they link.
func allPackages(t *testing.T) graph {
	t.Helper()
	g := graph{}
	for _, p := range goList(t, "list", "-deps", "-json=ImportPath,Imports,Standard", module+"/...") {
		g[p.ImportPath] = p
	}
	return g
}

func goList(t *testing.T, args ...string) (out []listed) {
	t.Helper()
	readTree(t)
	d := json.NewDecoder(bytes.NewReader(goTool(t, args...)))
	for {
		var p listed
		err := d.Decode(&p)
		if errors.Is(err, io.EOF) {
			return out
		}
		if err != nil {
			t.Fatalf("reading go list: %v", err)
		}
		out = append(out, p)
	}
}

// readTree reads the files of the module. What go list reads is unknown to
// go test, which would serve an old result from its cache.
func readTree(t *testing.T) {
	t.Helper()
	root := filepath.Join("..", "..")
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err == nil && d.IsDir() && path != root && strings.HasPrefix(d.Name(), ".") {
			return fs.SkipDir
		}
		if err == nil && strings.HasSuffix(path, ".go") {
			_, err = os.ReadFile(path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
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
