package main

import (
	"errors"

	"github.com/spf13/pflag"

	"github.com/aimdb-go/aimdb/history"
	"github.com/aimdb-go/aimdb/key"
)

// checkKey returns a usage error if s is not a key.
func checkKey(s string) error {
	if _, err := key.Parse(s); err != nil {
		return usageError{err}
	}
	return nil
}

func parsePattern(s string) (key.Pattern, error) {
	p, err := key.ParsePattern(s)
	if err != nil {
		return p, usageError{err}
	}
	return p, nil
}

func windowFlags(flags *pflag.FlagSet, w *history.Window) {
	flags.Var(timeFlag{&w.Start}, "from", "oldest time: RFC 3339, Unix ms, or a duration back from now (7d)")
	flags.Var(timeFlag{&w.End}, "to", "newest time, in the same forms")
	flags.SetNormalizeFunc(func(_ *pflag.FlagSet, name string) pflag.NormalizedName {
		switch name { // --start and --end are earlier names
		case "start":
			name = "from"
		case "end":
			name = "to"
		}
		return pflag.NormalizedName(name)
	})
}

func checkWindow(w history.Window) error {
	if w.Start != nil && w.End != nil && *w.Start > *w.End {
		return usageError{errors.New("--from is after --to")}
	}
	return nil
}
