package main

import (
	"strings"
	"testing"
)

func TestUsageErrors(t *testing.T) {
	for _, c := range []struct {
		args []string
		says string
	}{
		{[]string{"dmo"}, `did you mean "demo"`},
		{[]string{"--nope"}, "unknown flag"},
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

// TestHelp: every command explains itself with an example.
func TestHelp(t *testing.T) {
	var walk func(path []string)
	walk = func(path []string) {
		out := aimdb(t, append(path, "--help")...).ok(t)
		if !strings.Contains(out, "Usage:") {
			t.Errorf("%v --help has no usage:\n%s", path, out)
		}
		commands := commandsIn(out)
		if len(commands) == 0 && !strings.Contains(out, "Examples:") {
			t.Errorf("%v --help has no example", path)
		}
		for _, c := range commands {
			if c != "completion" && c != "help" {
				walk(append(path[:len(path):len(path)], c))
			}
		}
	}
	walk(nil)
}

// commandsIn reads the subcommands out of a help text.
func commandsIn(help string) []string {
	var out []string
	_, list, ok := strings.Cut(help, "Available Commands:\n")
	for line := range strings.Lines(list) {
		name, _, _ := strings.Cut(strings.TrimSpace(line), " ")
		if !ok || name == "" {
			break
		}
		out = append(out, name)
	}
	return out
}

func TestCompletion(t *testing.T) {
	if out := aimdb(t, "completion", "bash").ok(t); !strings.Contains(out, "aimdb") {
		t.Errorf("no completion for bash:\n%s", out)
	}
	if out := aimdb(t, "__complete", "de").ok(t); !strings.Contains(out, "demo") {
		t.Errorf("de does not complete to demo:\n%s", out)
	}
}
