package main

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// TestUseItFrom runs docs/USE.md beside the demo: its commands,
// those of the NATS command line by requests of a NATS client, and its Go program. Other
// tests run the web page (integration) and the configuration for assistants.
func TestUseItFrom(t *testing.T) {
	dir, port := socketDir(t), freePort(t)
	socket := filepath.Join(dir, "hub.sock")
	hub := &child{t: t, cmd: exec.Command(os.Getenv(binaryVariable), "demo", "--pace", "100ms", "--http", "off",
		"--nats", "127.0.0.1:"+port, "--aimx", socket, "--data-dir", t.TempDir())}
	hub.cmd.Stdout, hub.cmd.Stderr = hub, hub
	if err := hub.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(hub.kill)
	soon(t, "the hub has forecasts", func() bool {
		return strings.Count(aimdb(t, "history", "query", socket, "accuracy::*", "--latest", "3", "--format", "ndjson").stdout, "\n") >= 6
	})
	nc, err := nats.Connect("nats://127.0.0.1:" + port)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(nc.Close)
	commands, requests := 0, 0
	for _, line := range shellLines(t, "docs/USE.md", "While the demo runs") {
		words := shellWords(line)
		switch words[0] {
		case "aimdb":
			commands++
			runCommand(t, strings.ReplaceAll(line, "4222", port))
		case "nats":
			requests++
			askNATS(t, nc, words[1:])
		default:
			t.Errorf("nothing runs %s", line)
		}
	}
	if commands < 7 || requests < 6 {
		t.Errorf("there are %d commands and %d requests", commands, requests)
	}
	runProgram(t, strings.ReplaceAll(blocksOf(t, "docs/USE.md", "Go", "go")[0].text, defaultEndpoint, socket))
	hub.interrupt()
}

// runCommand runs a line in a shell. It must print something.
func runCommand(t *testing.T, line string) {
	t.Helper()
	if strings.Contains(line, "dot -T") {
		if _, err := exec.LookPath("dot"); err != nil {
			t.Log("Graphviz is not installed: ", line)
			line, _, _ = strings.Cut(line, " | ")
		}
	}
	out := shell(t, "bash", "set -o pipefail; "+strings.ReplaceAll(line, "> graph.svg", ""))
	if strings.TrimSpace(out) == "" && !strings.Contains(line, "--dry-run") { // which says it on stderr
		t.Errorf("%s prints nothing", line)
	}
}

// askNATS does what the nats command does with the arguments.
func askNATS(t *testing.T, nc *nats.Conn, args []string) {
	t.Helper()
	const long = 30 * time.Second
	var got []byte
	var err error
	switch args[0] {
	case "micro":
		got, err = answer(nc.Request("$SRV.INFO", nil, long))
	case "req":
		got, err = answer(nc.Request(args[1], []byte(args[2]), long))
	case "sub":
		if args[1] == "--stream" {
			got, err = firstOfStream(t, nc, args[2], args[len(args)-1])
			break
		}
		var sub *nats.Subscription
		if sub, err = nc.SubscribeSync(args[1]); err == nil {
			got, err = answer(sub.NextMsg(long))
		}
	default:
		t.Fatalf("the test does not know nats %q", args)
	}
	if err != nil || len(got) < len(`{"a":1}`) {
		t.Errorf("nats %q: %q, %v", args, got, err)
	}
}

// answer returns what a message holds, or the error that a service put into it.
func answer(m *nats.Msg, err error) ([]byte, error) {
	if err != nil {
		return nil, err
	}
	if refusal := m.Header.Get("Nats-Service-Error"); refusal != "" {
		return nil, errors.New(refusal)
	}
	return m.Data, nil
}

func firstOfStream(t *testing.T, nc *nats.Conn, stream, subject string) ([]byte, error) {
	js, err := jetstream.New(nc)
	if err != nil {
		return nil, err
	}
	consumer, err := js.OrderedConsumer(t.Context(), stream, jetstream.OrderedConsumerConfig{FilterSubjects: []string{subject}})
	if err != nil {
		return nil, err
	}
	m, err := consumer.Next()
	if err != nil {
		return nil, err
	}
	return m.Data(), nil
}

// runProgram compiles a program and runs it until it has printed stored and live values.
func runProgram(t *testing.T, text string) {
	t.Helper()
	dir := t.TempDir()
	source, binary := filepath.Join(dir, "main.go"), filepath.Join(dir, "program.exe")
	if err := os.WriteFile(source, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	build := exec.Command("go", "build", "-o", binary, source)
	build.Dir = root
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("the program of docs/USE.md: %v\n%s", err, out)
	}
	c := &child{t: t, cmd: exec.Command(binary)}
	c.cmd.Stdout, c.cmd.Stderr = c, c
	if err := c.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.kill)
	soon(t, "the program prints stored values, the marker and live ones", func() bool {
		stored, live, found := strings.Cut(c.output(), "caught up\n")
		return found && strings.Contains(stored, "\naccuracy::seattle ") && strings.Contains(live, "accuracy::seattle ")
	})
	for _, want := range []string{"now ", "newest accuracy::new_york ", "newest accuracy::seattle "} {
		if !strings.Contains(c.output(), want) {
			t.Errorf("the program does not print %q:\n%s", want, c.output())
		}
	}
}

// shellWords splits a line as a shell does that knows only spaces and single quotes.
func shellWords(line string) (words []string) {
	for i, part := range strings.Split(line, "'") {
		if i%2 == 1 { // in quotes
			words = append(words, part)
			continue
		}
		words = append(words, strings.Fields(part)...)
	}
	return words
}
