package ndjson

import (
	"errors"
	"log/slog"
	"time"
)

// Option changes how a sink is opened.
type Option func(*options)

type options struct {
	name        string
	logger      *slog.Logger
	rotateBytes int64
	rotateEvery time.Duration
	keepFor     time.Duration
	keepBytes   int64
	sequences   bool
}

func parseOptions(opts []Option) (options, error) {
	o := options{name: "ndjson", logger: slog.Default(), rotateBytes: 64 << 20, rotateEvery: 24 * time.Hour}
	for _, set := range opts {
		set(&o)
	}
	switch {
	case o.name == "":
		return o, errors.New("the name of the sink is empty")
	case o.logger == nil:
		return o, errors.New("the logger is nil")
	case o.rotateBytes <= 0 || o.rotateEvery <= 0:
		return o, errors.New("RotateBytes and RotateEvery must be greater than 0")
	case o.keepFor < 0 || o.keepBytes < 0:
		return o, errors.New("KeepFor and KeepBytes must not be negative; 0 keeps all files")
	}
	return o, nil
}

// Name sets the name of the sink, "ndjson" by default. Sinks of one database have
// different names, and a sink keeps its name for life.
func Name(name string) Option { return func(o *options) { o.name = name } }

// Logger sets where the sink logs: what was cut off, damaged or deleted. The default
// is slog's.
func Logger(l *slog.Logger) Option { return func(o *options) { o.logger = l } }

// RotateBytes sets the compressed size in bytes from which on a file is closed, 64 MB
// by default. A file is greater by up to one batch.
func RotateBytes(n int64) Option { return func(o *options) { o.rotateBytes = n } }

// RotateEvery sets the age from which on a file is closed when the next batch comes,
// a day by default.
func RotateEvery(d time.Duration) Option { return func(o *options) { o.rotateEvery = d } }

// KeepFor deletes closed files whose newest row is older. The default 0 keeps them.
func KeepFor(d time.Duration) Option { return func(o *options) { o.keepFor = d } }

// KeepBytes deletes the oldest closed files while all data files together are greater,
// in bytes. The default 0 keeps them.
func KeepBytes(n int64) Option { return func(o *options) { o.keepBytes = n } }

// Sequences adds the position in the log to each line, as "sequence" after "time".
func Sequences() Option { return func(o *options) { o.sequences = true } }
