package natstest

import (
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

const module = "github.com/nats-io/nats-server/v2"

// binary returns the path of the server's binary, and builds it if it is not there.
func binary(t testing.TB) string {
	t.Helper()
	version := command(t, "go", "list", "-m", "-f", "{{.Version}}", module)
	dir, err := os.UserCacheDir()
	if err != nil {
		dir = os.TempDir()
	}
	dir = filepath.Join(dir, "aimdb-natstest")
	path := filepath.Join(dir, "nats-server-"+version+"-"+runtime.Version())
	if runtime.GOOS == "windows" {
		path += ".exe"
	}
	if _, err := os.Stat(path); err == nil {
		return path
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	building, err := os.MkdirTemp(dir, "build")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = os.RemoveAll(building) }() // a leftover does no harm
	made := filepath.Join(building, filepath.Base(path))
	command(t, "go", "build", "-o", made, module)
	if err := os.Rename(made, path); err != nil { // other test binaries may do the same
		t.Fatal(err)
	}
	return path
}

func command(t testing.TB, name string, args ...string) string {
	t.Helper()
	cmd := exec.Command(name, args...)
	out, err := cmd.Output()
	if err != nil {
		text := ""
		if exit, ok := err.(*exec.ExitError); ok {
			text = string(exit.Stderr)
		}
		t.Fatalf("%s %s: %v\n%s", name, strings.Join(args, " "), err, text)
	}
	return strings.TrimSpace(string(out))
}
