package main

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// flagError is a usage error about a flag. If there is no such flag, it names the nearest
// one.
func flagError(cmd *cobra.Command, err error) error {
	var absent *pflag.NotExistError
	if errors.As(err, &absent) && len(absent.GetSpecifiedName()) > 1 {
		if near := nearestFlag(cmd.Flags(), absent.GetSpecifiedName()); near != "" {
			err = fmt.Errorf("%w; did you mean --%s?", err, near)
		}
	}
	return usageError{err}
}

// nearestFlag returns the flag that is written most like a name, or "".
func nearestFlag(flags *pflag.FlagSet, name string) string {
	names := &cobra.Command{} // cobra compares the names of commands
	flags.VisitAll(func(f *pflag.Flag) {
		if !f.Hidden {
			names.AddCommand(&cobra.Command{Use: f.Name, Run: func(*cobra.Command, []string) {}})
		}
	})
	return nearest(names, name)
}

// nearest returns the command below c that is written most like a name, or "".
func nearest(c *cobra.Command, name string) string {
	for c.SuggestionsMinimumDistance = 1; c.SuggestionsMinimumDistance <= 2; c.SuggestionsMinimumDistance++ {
		if near := c.SuggestionsFor(name); len(near) > 0 {
			return near[0]
		}
	}
	return ""
}

// named returns the commands below c that have a name, such as "aimdb history restore" for
// restore, or "".
func named(c *cobra.Command, name string) string {
	var all []string
	for _, sub := range c.Commands() {
		if sub.Hidden {
			continue
		}
		if sub.Name() == name {
			all = append(all, strconv.Quote(sub.CommandPath()))
		}
		if below := named(sub, name); below != "" {
			all = append(all, below)
		}
	}
	return strings.Join(all, " or ")
}
