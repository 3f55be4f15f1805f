package main

import (
	"regexp"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// splitNegative returns arguments in which a negative number is a value and not
// a flag named 5: where there is one, flags go before "--" and values after
// it.
func splitNegative(root *cobra.Command, args []string) []string {
	cmd, rest, err := root.Find(args)
	if err != nil || cmd == root {
		return args // no command, or one of the shell's completion
	}
	number := regexp.MustCompile(`^-(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$`)
	var flags, values []string
	found := false
	for len(rest) > 0 && rest[0] != "--" {
		arg := rest[0]
		n := 1
		switch {
		case number.MatchString(arg):
			found = true
			values = append(values, arg)
		case strings.HasPrefix(arg, "-") && arg != "-":
			if takesNext(cmd.Flags(), arg) {
				n = min(2, len(rest))
			}
			flags = append(flags, rest[:n]...)
		default:
			values = append(values, arg)
		}
		rest = rest[n:]
	}
	if !found {
		return args
	}
	if len(rest) > 0 {
		values = append(values, rest[1:]...)
	}
	path := strings.Fields(cmd.CommandPath())[1:]
	return slices.Concat(path, flags, []string{"--"}, values)
}

// takesNext reports whether the argument after a flag is its value.
func takesNext(flags *pflag.FlagSet, arg string) bool {
	name, long := strings.CutPrefix(arg, "--")
	var flag *pflag.Flag
	switch {
	case long:
		flag = flags.Lookup(name) // none of this name if there is a "=" in it
	case len(arg) == 2:
		flag = flags.ShorthandLookup(arg[1:])
	}
	return flag != nil && flag.NoOptDefVal == ""
}
