package parquet

import (
	"errors"
	"log/slog"
	"time"
)

// Config says where a sink writes and when. What is 0 has its default.
type Config struct {
	// Dir is the directory. It is made if there is none.
	Dir string
	// Name is the name of the sink, "parquet" by default. Sinks of one database have
	// different names, and a sink keeps its name for life.
	Name string
	// Logger is slog's default one by default.
	Logger *slog.Logger
	// RotateBytes is the size of a staged file, compressed, from which on it is
	// converted, 64 MB by default. RotateEvery is its age, a day by default. It is
	// converted as a UTC day ends in any case.
	RotateBytes int64
	RotateEvery time.Duration
	// KeepFor deletes Parquet files whose newest row is older. 0 keeps them.
	KeepFor time.Duration
	// KeepBytes deletes the oldest Parquet files while all of them together are
	// greater. 0 keeps them.
	KeepBytes int64
}

// withDefaults also checks the settings.
func (c Config) withDefaults() (Config, error) {
	if c.Dir == "" {
		return c, errors.New("Config.Dir is empty")
	}
	if c.RotateBytes < 0 || c.RotateEvery < 0 || c.KeepFor < 0 || c.KeepBytes < 0 {
		return c, errors.New("RotateBytes, RotateEvery, KeepFor and KeepBytes must not be negative")
	}
	if c.Name == "" {
		c.Name = "parquet"
	}
	if c.Logger == nil {
		c.Logger = slog.Default()
	}
	if c.RotateBytes == 0 {
		c.RotateBytes = 64 << 20
	}
	if c.RotateEvery == 0 {
		c.RotateEvery = 24 * time.Hour
	}
	return c, nil
}
