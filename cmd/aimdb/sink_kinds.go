package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/aimdb-go/aimdb/sinks/ndjson"
	"github.com/aimdb-go/aimdb/sinks/process"
	"github.com/aimdb-go/aimdb/sinks/sqlite"
)

// sinkTarget is what a sink writes to.
type sinkTarget struct {
	// name is the name of the sink, to the path or DSN of its store.
	name, to string
	logger   *slog.Logger
	keep     sinkLimits
}

// openSink opens a store. The error is process.ErrHeld if another process has it.
type openSink func(context.Context, sinkTarget) (*process.Store, error)

// sinkKinds are the kinds of sinks that can run in a process of their own.
func sinkKinds() map[string]openSink {
	return map[string]openSink{
		"sqlite": openSQLite,
		"ndjson": openNDJSON,
	}
}

func kindNames() string {
	var names []string
	for name := range sinkKinds() {
		names = append(names, name)
	}
	slices.Sort(names)
	return strings.Join(names, ", ")
}

func openSQLite(_ context.Context, t sinkTarget) (*process.Store, error) {
	s, err := sqlite.Open(t.to, sqlite.Name(t.name), sqlite.Logger(t.logger))
	if errors.Is(err, sqlite.ErrInUse) {
		return nil, fmt.Errorf("%w: %w", process.ErrHeld, err)
	}
	if err != nil {
		return nil, err
	}
	return &process.Store{Sink: s, Run: s.Run, Pruner: s, Stats: s.Stats, Close: s.Close}, nil
}

func openNDJSON(_ context.Context, t sinkTarget) (*process.Store, error) {
	s, err := ndjson.Open(t.to, ndjson.Name(t.name), ndjson.Logger(t.logger), ndjson.KeepFor(t.keep.age), ndjson.KeepBytes(t.keep.bytes))
	if errors.Is(err, ndjson.ErrInUse) {
		return nil, fmt.Errorf("%w: %w", process.ErrHeld, err)
	}
	if err != nil {
		return nil, err
	}
	return &process.Store{Sink: s, Close: s.Close}, nil
}

// sinkName is the name of a sink that is given none: the kind and the name of the file,
// so that two stores of one database have different names.
func sinkName(kind, to string) string {
	base := filepath.Base(to)
	if i := strings.LastIndexAny(to, "/="); strings.Contains(to, "://") && i >= 0 { // a DSN
		base, _, _ = strings.Cut(to[i+1:], "?")
	}
	base = strings.TrimSuffix(base, filepath.Ext(base))
	return kind + "-" + strings.Trim(strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= '0' && r <= '9', r == '-', r == '_':
			return r
		}
		return '_'
	}, base), "_")
}

// shownTarget is the store as lists show it. A password is left out.
func shownTarget(to string) string {
	if scheme, rest, ok := strings.Cut(to, "://"); ok {
		if at := strings.LastIndexByte(rest, '@'); at >= 0 {
			user, _, _ := strings.Cut(rest[:at], ":")
			rest = user + rest[at:]
		}
		return scheme + "://" + rest
	}
	if strings.Contains(to, "password=") {
		return "a database"
	}
	if full, err := filepath.Abs(to); err == nil {
		return full
	}
	return to
}

// kindOf returns what opens a kind of sink.
func kindOf(cmd *cobra.Command, kind string) (openSink, error) {
	open := sinkKinds()[kind]
	if open == nil {
		return nil, usageError{fmt.Errorf("%s: there is no sink of kind %q; there are %s", cmd.CommandPath(), kind, kindNames())}
	}
	return open, nil
}
