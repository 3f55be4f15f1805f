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
	"github.com/aimdb-go/aimdb/sinks/parquet"
	"github.com/aimdb-go/aimdb/sinks/postgres"
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
		"sqlite":   openSQLite,
		"ndjson":   openNDJSON,
		"parquet":  openParquet,
		"postgres": openPostgres,
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

func openParquet(ctx context.Context, t sinkTarget) (*process.Store, error) {
	s, err := parquet.Open(ctx, parquet.Config{Dir: t.to, Name: t.name, Logger: t.logger, KeepFor: t.keep.age, KeepBytes: t.keep.bytes})
	if errors.Is(err, ndjson.ErrInUse) {
		return nil, fmt.Errorf("%w: %w", process.ErrHeld, err)
	}
	if err != nil {
		return nil, err
	}
	return &process.Store{Sink: s, Close: s.Close}, nil
}

func openPostgres(ctx context.Context, t sinkTarget) (*process.Store, error) {
	s, err := postgres.Open(ctx, postgresConfig(t))
	if err != nil {
		return nil, err
	}
	return postgresStore(s), nil
}

// place is the store of a sink as others see it.
type place struct {
	// shown is the path or the DSN without secrets, name the name of the file or database.
	shown, name string
	// anywhere is true if shown means the same on each machine.
	anywhere bool
}

func placeOf(kind, to string) (place, error) {
	if kind == "postgres" {
		at, err := postgres.ParseDSN(to)
		if err != nil {
			return place{}, usageError{err}
		}
		name := at.Database
		if at.Schema != postgres.DefaultSchema {
			name += "-" + at.Schema
		}
		return place{shown: at.String(), name: name, anywhere: !at.Local()}, nil
	}
	if strings.Contains(to, "://") {
		return place{}, usageError{fmt.Errorf("--to is the path of the store for %s, and not a URL; %s goes with sink run postgres", kind, schemeOf(to))}
	}
	full, err := filepath.Abs(to)
	if err != nil {
		return place{}, fmt.Errorf("look at --to: %w", err)
	}
	return place{shown: full, name: strings.TrimSuffix(filepath.Base(full), filepath.Ext(full))}, nil
}

// schemeOf returns the beginning of a URL, which has no password.
func schemeOf(url string) string {
	scheme, _, _ := strings.Cut(url, "://")
	return scheme + "://"
}

// sinkName is the name of a sink that is given none: the kind and the name of the store,
// so that two stores of one database have different names.
func sinkName(kind string, at place) string {
	return kind + "-" + strings.Trim(strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= '0' && r <= '9', r == '-', r == '_':
			return r
		}
		return '_'
	}, at.name), "_")
}

// kindOf returns what opens a kind of sink.
func kindOf(cmd *cobra.Command, kind string) (openSink, error) {
	open := sinkKinds()[kind]
	if open == nil {
		return nil, usageError{fmt.Errorf("%s: there is no sink of kind %q; there are %s", cmd.CommandPath(), kind, kindNames())}
	}
	return open, nil
}
