package main

import (
	"fmt"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/aimdb-go/aimdb/internal/docfile"
)

var update = docfile.Flag()

// TestReference: docs/reference/cli.md has each command, with its flags and examples.
func TestReference(t *testing.T) {
	root := newRoot(func(string) string { return "" })
	root.InitDefaultHelpFlag()
	var b strings.Builder
	b.WriteString("# Commands\n\nMade from the commands by TestReference of `cmd/aimdb`; `aimdb COMMAND --help` prints the same.\n")
	b.WriteString("`--help` and `--version` are left out below.\n")
	describeCommand(&b, root)
	docfile.Check(t, update, "../../docs/reference/cli.md", b.String())
}

func describeCommand(b *strings.Builder, c *cobra.Command) {
	if c.Hidden {
		return
	}
	if c.Runnable() || !c.HasParent() {
		fmt.Fprintf(b, "\n## %s\n\n%s\n", c.CommandPath(), strings.ReplaceAll(firstOf(c.Long, c.Short), "\n#", "\n\\#"))
		if c.Runnable() && !c.HasAvailableSubCommands() {
			fmt.Fprintf(b, "\n    %s\n", c.UseLine())
		}
		if c.Example != "" {
			fmt.Fprintf(b, "\n```sh\n%s\n```\n", unindent(c.Example))
		}
		describeFlags(b, c.NonInheritedFlags())
	}
	for _, sub := range c.Commands() {
		describeCommand(b, sub)
	}
}

func describeFlags(b *strings.Builder, flags *pflag.FlagSet) {
	heading := "\n| Flag | What it does |\n|---|---|\n"
	flags.VisitAll(func(f *pflag.Flag) {
		if f.Hidden || f.Name == "help" || f.Name == "version" {
			return
		}
		name, usage := pflag.UnquoteUsage(f)
		flag := "--" + f.Name
		if f.Shorthand != "" {
			flag = "-" + f.Shorthand + ", " + flag
		}
		if name != "" {
			flag += " " + name
		}
		if zero := f.DefValue == "" || f.DefValue == "false" || f.DefValue == "0" || f.DefValue == "[]" || f.DefValue == "0s"; !zero {
			usage += " (default " + f.DefValue + ")"
		}
		fmt.Fprintf(b, "%s| `%s` | %s |\n", heading, flag, strings.NewReplacer("|", "\\|", "\n", " ").Replace(usage))
		heading = ""
	})
}

func firstOf(texts ...string) string {
	for _, text := range texts {
		if text != "" {
			return text
		}
	}
	return ""
}

// unindent removes the two spaces that the help has before each line.
func unindent(text string) string {
	return strings.TrimPrefix(strings.ReplaceAll(text, "\n  ", "\n"), "  ")
}
