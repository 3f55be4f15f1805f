package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/aimdb-go/aimdb/sinks/process"
)

// TestDocumentedCommands: the commands of the documents exist, with their flags and arguments.
// Those in the text are named there, and may lack their arguments.
func TestDocumentedCommands(t *testing.T) {
	found, flags := 0, map[string]bool{"help": true, "version": true}
	flagNames(newRoot(func(string) string { return "" }), flags)
	for _, document := range documents(t) {
		for _, b := range blocks(t, document) {
			if b.language != "sh" {
				continue
			}
			for _, line := range b.commands() {
				for part := range strings.SplitSeq(line, " | ") {
					part, _, _ = strings.Cut(part, " > ")
					if args, ours := ofTheBinary(part); ours {
						found++
						if err := parses(args, true); err != nil {
							t.Errorf("%s: %s: %v", b, line, err)
						}
					}
				}
			}
		}
		for _, in := range spans(t, document) {
			for _, span := range in {
				if name, isFlag := strings.CutPrefix(span, "--"); isFlag {
					if name = strings.FieldsFunc(name, func(r rune) bool { return r == ' ' || r == '=' })[0]; !flags[name] {
						t.Errorf("%s: no command has %s", document, span)
					}
				}
				for _, one := range alternatives(span) {
					if args, ours := ofTheBinary(one); ours {
						found++
						if err := parses(args, false); err != nil {
							t.Errorf("%s: %s: %v", document, one, err)
						}
					}
				}
			}
		}
	}
	if found < 150 {
		t.Errorf("there are only %d commands", found)
	}
}

// flagNames adds the names of the flags of a command and of those below it.
func flagNames(c *cobra.Command, all map[string]bool) {
	c.Flags().VisitAll(func(f *pflag.Flag) { all[f.Name] = true })
	for _, sub := range c.Commands() {
		flagNames(sub, all)
	}
}

// ofTheBinary returns the arguments of a command line if its program is aimdb. In the text the
// name of the program may be left out before a command and its subcommand.
func ofTheBinary(line string) (args []string, ours bool) {
	words := shellWords(line)
	for i, word := range words {
		if word == "aimdb" || word == "./cmd/aimdb" {
			before := strings.Join(words[:i], " ")
			return words[i+1:], before == "" || before == "sudo" || before == "go run"
		}
	}
	if len(words) < 2 {
		return nil, false
	}
	top := newRoot(func(string) string { return "" })
	c, rest, err := top.Find(words)
	return words, err == nil && c.HasParent() && c.Parent().HasParent() && len(rest) == len(words)-2
}

// alternatives returns the commands that "history stats|query" means.
func alternatives(span string) (all []string) {
	words := strings.Split(span, " ")
	for i, word := range words {
		if names := strings.Split(word, "|"); len(names) > 1 && word != "|" && !strings.ContainsAny(word, "'\"") {
			for _, name := range names {
				words[i] = name
				all = append(all, strings.Join(words, " "))
			}
			return all
		}
	}
	return []string{span}
}

// parses reports what the command line of the binary has against arguments.
func parses(args []string, whole bool) error {
	top := newRoot(func(string) string { return "" })
	top.InitDefaultVersionFlag()
	c, rest, err := top.Find(splitNegative(top, args))
	if err != nil {
		return err
	}
	c.InitDefaultHelpFlag()
	if err := c.ParseFlags(rest); err != nil {
		return err
	}
	if given := c.Flags().Args(); c.HasAvailableSubCommands() && len(given) > 0 {
		return fmt.Errorf("%s has no command %s", c.CommandPath(), given[0])
	}
	if whole {
		return errors.Join(c.ValidateArgs(c.Flags().Args()), c.ValidateRequiredFlags())
	}
	return nil
}

// TestLogOnAServer runs the three commands of docs/how-to/scale-out.md in a directory of their
// own, on free ports, and the gateway on what they have stored.
func TestLogOnAServer(t *testing.T) {
	t.Parallel()
	lines := shellLines(t, "docs/how-to/scale-out.md", "The log on a NATS server")
	if len(lines) != 3 {
		t.Fatalf("there are %d commands: %q", len(lines), lines)
	}
	dir, port := t.TempDir(), freePort(t)
	at := func(i int, more ...string) *child {
		args := strings.Fields(strings.ReplaceAll(lines[i], "4222", port))
		if args[0] != "go" || args[1] != "run" {
			t.Fatalf("%s does not begin with go run", lines[i])
		}
		c := &child{t: t, cmd: exec.Command(built(t, args[2]), append(args[3:], more...)...)}
		c.cmd.Dir, c.cmd.Stdout, c.cmd.Stderr = dir, c, c
		if err := c.cmd.Start(); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			c.kill()
			if t.Failed() {
				t.Logf("%s said:\n%s", lines[i], c.output())
			}
		})
		return c
	}
	// The server reads the configuration of one of three, and starts nothing.
	must(t, os.WriteFile(filepath.Join(dir, "n1.conf"), []byte(strings.ReplaceAll(blocksOf(t, "docs/how-to/scale-out.md", "Three servers", "")[0].text, "/var/lib", dir)), 0o600))
	server := at(0)
	server.says("Server is ready")
	if out, err := exec.Command(server.cmd.Path, "-t", "-c", filepath.Join(dir, "n1.conf")).CombinedOutput(); err != nil {
		t.Errorf("the configuration of three servers: %v\n%s", err, out)
	}
	// Other databases on this machine may have the default addresses of the page and the
	// gateway.
	program := at(1, "--http", "127.0.0.1:0", "--aimx", shortPath(t))
	program.says("the database serves")
	sink := at(2)
	sink.says("active: the sink stores the log")
	soon(t, "the sink has stored something", func() bool {
		out := aimdb(t, "sink", "list", "--nats-url", "nats://127.0.0.1:"+port, "--name", "hub", "--format", "ndjson").ok(t)
		for line := range strings.Lines(out) {
			var s process.State
			if json.Unmarshal([]byte(line), &s) == nil && s.Sink == "sqlite-copy" && s.State == "active" && s.Checkpoint > 10 {
				return true
			}
		}
		return false
	})
	socket := shortPath(t)
	gateway := shellLines(t, "docs/how-to/scale-out.md", "Queries elsewhere")
	lines = append(lines, "go run ./cmd/"+strings.NewReplacer("/tmp/copy.sock", socket).Replace(gateway[0]))
	elsewhere := at(3)
	soon(t, "the gateway answers from the copy", func() bool {
		return strings.Contains(aimdb(t, "record", "query", "accuracy::*", "--connect", socket).stdout, "accuracy::seattle")
	})
	elsewhere.interrupt()
	program.interrupt()
	sink.interrupt()
	rows := func(file string) []string { // rows of several records and one time have no order
		return slices.Sorted(strings.Lines(aimdb(t, "history", "export", filepath.Join(dir, file)).ok(t)))
	}
	if have, want := rows("copy.db"), rows("aimdb-data/history.db"); len(want) == 0 || !slices.Equal(have, want) {
		t.Errorf("the copy has %d rows of %d", len(have), len(want))
	}
	aimdb(t, "verify", filepath.Join(dir, "copy.db"), "--nats-url", "nats://127.0.0.1:"+port, "--name", "hub").ok(t)
	aimdb(t, "verify", filepath.Join(dir, "aimdb-data"), "--nats-url", "nats://127.0.0.1:"+port, "--name", "hub").ok(t)
}

// built builds what go run would run, unless it is the command, which TestMain has built.
func built(t *testing.T, pkg string) string {
	t.Helper()
	if pkg == "./cmd/aimdb" {
		return os.Getenv(binaryVariable)
	}
	binary := filepath.Join(t.TempDir(), "program.exe")
	cmd := exec.Command("go", "build", "-o", binary, pkg)
	cmd.Dir = root
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return binary
}

func freePort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }() // the port is free either way
	_, port, err := net.SplitHostPort(l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	return port
}
