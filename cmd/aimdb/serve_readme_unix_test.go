//go:build unix

package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestServeFromREADME runs the lines of README with the programs that they name against
// aimdb serve with its defaults, but for the ports. The values are there, also after kill -9.
func TestServeFromREADME(t *testing.T) {
	lines := shellLines(t, "README.md", "Without a line of Go")
	for _, line := range lines {
		program := shellWords(line)[0]
		if _, err := exec.LookPath(program); err != nil {
			notInstalled(t, program)
		}
	}
	http, nats, mqtt := freePort(t), freePort(t), freePort(t)
	lines = strings.Split(strings.NewReplacer(
		":8080", ":"+http,
		"nats pub", "nats --server nats://127.0.0.1:"+nats+" pub",
		"mosquitto_pub", "mosquitto_pub -p "+mqtt,
	).Replace(strings.Join(lines, "\n")), "\n")
	dir, err := os.MkdirTemp("", "s") // a socket's path has to be short
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	args := []string{"--data", filepath.Join(dir, "data"), "--http", "127.0.0.1:" + http, "--nats", "127.0.0.1:" + nats, "--mqtt", "127.0.0.1:" + mqtt}
	d := startServe(t, filepath.Join(dir, "a"), args...)
	ways, query := lines[:len(lines)-1], lines[len(lines)-1]
	if len(ways) != 3 {
		t.Fatalf("README has %d ways to set a value", len(ways))
	}
	for _, line := range ways {
		shell(t, "bash", line)
	}
	shown := func() bool {
		got := shell(t, "bash", query)
		return strings.Contains(got, "21.5") && strings.Contains(got, `"lux"`) && strings.Contains(got, `"db"`)
	}
	soon(t, "the query of README shows the three values", shown)
	if err := d.cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	<-d.ended
	startServe(t, filepath.Join(dir, "a"), args...)
	if !shown() {
		t.Errorf("after kill -9 the query of README shows %s", shell(t, "bash", query))
	}
}
