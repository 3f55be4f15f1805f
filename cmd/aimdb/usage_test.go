package main

import (
	"fmt"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

func TestUsageErrors(t *testing.T) {
	for _, c := range []struct {
		args []string
		says string
	}{
		{[]string{"dmo"}, `did you mean "demo"`},
		{[]string{"--nope"}, "unknown flag"},
		{[]string{"record", "lst"}, `did you mean "list"`},
		{[]string{"restore", "a", "b"}, `did you mean "aimdb history restore"?`},
		{[]string{"backup", "restore", "a", "b"}, `did you mean "aimdb history restore"?`},
		{[]string{"record", "list", "--conect", "x"}, "did you mean --connect?"},
		{[]string{"record", "list", "--formt=json"}, "did you mean --format?"},
		{[]string{"record", "set", "a", "1", "--dryrun"}, "did you mean --dry-run?"},
		{[]string{"demo", "extra"}, "takes 0 arguments"},
		{[]string{"demo", "--pace", "-1s"}, "--pace"},
		{[]string{"demo", "--pace", "soon"}, "invalid"},
		{[]string{"demo", "--forecasts", "f.csv"}, "--observations"},
	} {
		t.Run(strings.Join(c.args, " "), func(t *testing.T) {
			r := aimdb(t, c.args...)
			r.fails(t, exitUsage, c.says, "--help")
			if r.stdout != "" {
				t.Errorf("an error belongs on stderr, stdout has %q", r.stdout)
			}
		})
	}
}

// walk calls do with every command that a user sees.
func walk(c *cobra.Command, do func(*cobra.Command)) {
	do(c)
	for _, sub := range c.Commands() {
		if !sub.Hidden {
			walk(sub, do)
		}
	}
}

// TestHelp: every command explains itself with an example, and every flag has a text.
func TestHelp(t *testing.T) {
	commands := 0
	walk(newRoot(func(string) string { return "" }), func(c *cobra.Command) {
		commands++
		name := c.CommandPath()
		if c.Short == "" || strings.HasSuffix(c.Short, ".") || c.Short[:1] != strings.ToUpper(c.Short[:1]) {
			t.Errorf("%s: the short text %q is empty, or no phrase", name, c.Short)
		}
		if c.Runnable() && !c.HasSubCommands() && c.Example == "" {
			t.Errorf("%s has no example", name)
		}
		for line := range strings.Lines(c.Example) {
			if !strings.HasPrefix(line, "  ") {
				t.Errorf("%s: the example %q is not indented", name, line)
			}
			checkExample(t, name, line)
		}
		c.Flags().VisitAll(func(f *pflag.Flag) {
			if f.Usage == "" {
				t.Errorf("%s: the flag --%s has no text", name, f.Name)
			}
		})
	})
	if commands < 30 {
		t.Errorf("there are only %d commands", commands)
	}
	out := aimdb(t).ok(t)
	first, job := strings.Index(out, "aimdb demo "), strings.Index(out, "Usage:")
	if lines := strings.Count(out, "\n"); first < 0 || job < 0 || lines > 50 {
		t.Errorf("without arguments it prints %d lines:\n%s", lines, out)
	}
}

// checkExample fails the test if an example is a command line that would be refused.
func checkExample(t *testing.T, name, line string) {
	t.Helper()
	line, _, _ = strings.Cut(line, "  #")
	for part := range strings.SplitSeq(line, " | ") {
		words := strings.Fields(part)
		for len(words) > 0 && strings.Contains(words[0], "=") {
			words = words[1:] // of the environment
		}
		if len(words) < 2 || words[0] != "aimdb" {
			continue
		}
		c, rest, err := newRoot(func(string) string { return "" }).Find(words[1:])
		if err != nil || c.HasSubCommands() && len(rest) > 0 && !strings.HasPrefix(rest[0], "-") {
			t.Errorf("%s: there is no command %q", name, part)
			continue
		}
		if i := slices.IndexFunc(rest, func(w string) bool { return strings.ContainsAny(w, "'\"><\\") }); i >= 0 {
			rest = rest[:i] // of the shell
		}
		for _, word := range rest {
			if flag, long := strings.CutPrefix(word, "--"); long && flag != "" {
				flag, _, _ = strings.Cut(flag, "=")
				if c.Flags().Lookup(flag) == nil {
					t.Errorf("%s: %s has no flag --%s", name, c.CommandPath(), flag)
				}
			}
		}
	}
}

func TestCompletion(t *testing.T) {
	if out := aimdb(t, "completion", "bash").ok(t); !strings.Contains(out, "aimdb") {
		t.Errorf("no completion for bash:\n%s", out)
	}
	if out := aimdb(t, "__complete", "de").ok(t); !strings.Contains(out, "demo") {
		t.Errorf("de does not complete to demo:\n%s", out)
	}
}

// TestExitCodes: the topic of help names each status, and commands end with them. Those of
// verify are in its own tests.
func TestExitCodes(t *testing.T) {
	topic := aimdb(t, "help", "exit-codes").ok(t)
	for _, status := range []int{exitOK, exitFailed, exitUsage, exitLost, exitUnknown} {
		if !strings.Contains(topic, fmt.Sprintf("\n  %d  ", status)) {
			t.Errorf("the status %d is not described:\n%s", status, topic)
		}
	}
	if out := aimdb(t, "exit-codes").ok(t); !strings.Contains(out, "exit statuses") {
		t.Errorf("as a command it prints %s", out)
	}
	if out := aimdb(t, "--help").ok(t); !strings.Contains(out, "exit-codes") {
		t.Error("the help does not name the topic")
	}
	aimdb(t, "--version").ok(t)
	aimdb(t, "record", "list", "--connect", shortPath(t)).fails(t, exitFailed, "start the database")
	aimdb(t, "record", "list", "--connect", "gopher://x").fails(t, exitUsage, "unknown scheme")
}

// TestVersion: the version of a build is one line, whatever is known of it.
func TestVersion(t *testing.T) {
	if out := aimdb(t, "--version").ok(t); strings.Count(out, "\n") != 1 || !strings.HasPrefix(out, "aimdb ") || !strings.Contains(out, runtime.Version()) {
		t.Errorf("it is %q", out)
	}
}
