package main

import (
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/aimdb-go/aimdb/internal/needed"
)

// image is an image of deploy/Containerfile with the binary, in a store of its own.
type image struct {
	store     string
	container string
	env       []string
}

func newImage(t *testing.T) image {
	t.Helper()
	if _, err := exec.LookPath("buildah"); err != nil {
		notInstalled(t, "buildah")
	}
	if os.Getuid() != 0 {
		needed.Missing(t, "root, to run a container without a daemon")
	}
	store := t.TempDir()
	config := filepath.Join(store, "storage.conf")
	text := fmt.Sprintf("[storage]\ndriver = \"vfs\"\ngraphroot = %q\nrunroot = %q\n", filepath.Join(store, "graph"), filepath.Join(store, "run"))
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	i := image{store: store, env: append(os.Environ(), "CONTAINERS_STORAGE_CONF="+config, "STORAGE_DRIVER=vfs", "BUILDAH_ISOLATION=chroot", "CONTAINER_BUILDER=buildah")}
	i.do(t, filepath.Join(root, "scripts", "container"), "aimdb-test", os.Getenv(binaryVariable))
	i.container = strings.TrimSpace(i.do(t, "buildah", "from", "--pull-never", "localhost/aimdb-test"))
	return i
}

func (i image) do(t *testing.T, name string, args ...string) string {
	t.Helper()
	c := exec.CommandContext(t.Context(), name, args...)
	c.Env = i.env
	out, err := c.Output()
	if err != nil {
		var exit *exec.ExitError
		if errors.As(err, &exit) {
			t.Fatalf("%s %v: %v\n%s%s", name, args, err, out, exit.Stderr)
		}
		t.Fatalf("%s %v: %v", name, args, err)
	}
	return string(out)
}

// serve returns what runs the command of the image with variables. Its process group is its
// own.
func (i image) serve(t *testing.T, variables ...string) (*exec.Cmd, *strings.Builder) {
	t.Helper()
	args := []string{"run"}
	for _, v := range variables {
		args = append(args, "--env", v)
	}
	c := exec.CommandContext(t.Context(), "buildah", append(args, i.container, "--", "/usr/bin/aimdb", "serve")...)
	var said strings.Builder
	c.Env, c.Stdout, c.Stderr = i.env, &said, &said
	c.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	return c, &said
}

// TestContainer: the image refuses to start open to other machines, and with a token it
// serves as a user that is not root, without anything of a system, and keeps its data in
// /data.
func TestContainer(t *testing.T) {
	t.Parallel()
	i := newImage(t)
	c, said := i.serve(t)
	if err := c.Run(); err == nil || !strings.Contains(said.String(), "AIMDB_HTTP: http: 0.0.0.0:8080 can be reached by other machines and asks for nothing") ||
		!strings.Contains(said.String(), "AIMDB_MQTT: mqtt: ") {
		t.Errorf("without a token: %v\n%s", err, said)
	}
	web := "127.0.0.1:" + freePort(t)
	c, said = i.serve(t, "AIMDB_HTTP="+web, "AIMDB_MQTT=off", `AIMDB_TOKENS=[{token: secretsecretsecret, read: ["#"], write: ["#"]}]`)
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- c.Wait() }()
	put := func(token string) int {
		request, err := http.NewRequestWithContext(t.Context(), http.MethodPut, "http://"+web+"/api/records/room.temperature", strings.NewReader("21.5"))
		if err != nil {
			t.Fatal(err)
		}
		if token != "" {
			request.Header.Set("Authorization", "Bearer "+token)
		}
		answer, err := (&http.Client{Timeout: time.Minute, Transport: &http.Transport{DisableKeepAlives: true}}).Do(request)
		if err != nil {
			return 0
		}
		_ = answer.Body.Close() // only its status counts
		return answer.StatusCode
	}
	soon(t, "the container takes a value", func() bool { return put("secretsecretsecret") == http.StatusNoContent })
	if got := put(""); got != http.StatusUnauthorized {
		t.Errorf("without a token the container answers %d", got)
	}
	if err := syscall.Kill(-c.Process.Pid, syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	<-ended // buildah tells the signal that ended it
	history := i.find(t, "history.db")
	info, err := os.Stat(history)
	if err != nil {
		t.Fatalf("%v\n%s", err, said)
	}
	if owner := info.Sys().(*syscall.Stat_t).Uid; owner != 65532 {
		t.Errorf("the history belongs to %d", owner)
	}
}

// find returns the path of a file of the container's volumes.
func (i image) find(t *testing.T, name string) string {
	t.Helper()
	var found string
	err := filepath.WalkDir(i.store, func(path string, _ fs.DirEntry, err error) error {
		if filepath.Base(path) == name {
			found = path
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}
