package main

import (
	"slices"
	"strings"
	"testing"

	embedded "github.com/aimdb-go/aimdb"
)

func TestSplitNegative(t *testing.T) {
	for in, want := range map[string]string{
		"record set a -5":                  "record set -- a -5",
		"record set --connect x a -0.5e-3": "record set --connect x -- a -0.5e-3",
		"record set a -.5 --connect=x":     "record set --connect=x -- a -.5",
		"record set a -5 --connect -6":     "record set --connect -6 -- a -5",
		"record set -5 -- -6 --connect":    "record set -- -5 -6 --connect",
		"history prune x --max-rows -1":    "history prune x --max-rows -1",
		"history prune --dry-run -1":       "history prune --dry-run -- -1",
		"history export -o -5 x":           "history export -o -5 x",
		"history export -o-5 -1":           "history export -o-5 -- -1",
		"record set a -5x":                 "record set a -5x",
		"record set a -":                   "record set a -",
		"record set a --connect":           "record set a --connect",
		"-5":                               "-5",
		"__complete record set a -5":       "__complete record set a -5",
		"":                                 "",
	} {
		got := splitNegative(newRoot(func(string) string { return "" }), strings.Fields(in))
		if !slices.Equal(got, strings.Fields(want)) {
			t.Errorf("%q became %q, want %q", in, got, want)
		}
	}
}

func TestSetANegativeNumber(t *testing.T) {
	socket := shortPath(t)
	serve(t, func(db *embedded.DB) error {
		_, err := embedded.Register[float64](db, "offset", embedded.Latest(), embedded.Remote(), embedded.Writable())
		return err
	}, embedded.Gateway(socket))
	for _, args := range [][]string{{"offset", "-5", "--connect", socket}, {"--connect", socket, "offset", "-0.25"}, {"offset", "--connect=" + socket, "--", "-1e3"}} {
		set := aimdb(t, append([]string{"record", "set"}, args...)...).ok(t)
		got := aimdb(t, "record", "get", "offset", "--connect", socket).ok(t)
		if got != set || !strings.HasPrefix(got, "-") {
			t.Errorf("record set %v prints %q, and record get %q", args, set, got)
		}
	}
	aimdb(t, "record", "set", "offset", "-x", "--connect", socket).fails(t, exitUsage, "unknown shorthand flag")
}
