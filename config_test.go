package aimdb

import (
	"strings"
	"testing"
	"time"
)

// A log in memory is not to grow as large as one on disk. Only a test in the
// package sees the limit without filling it.
func TestTheLimitOfTheLogDependsOnWhereItLies(t *testing.T) {
	for _, c := range []struct {
		name string
		opts []Option
		want int64
	}{
		{"memory", nil, DefaultMemoryLogBytes},
		{"directory", []Option{Dir(t.TempDir())}, DefaultLogBytes},
		{"directory given last", []Option{LogSync(time.Second), Dir(t.TempDir())}, DefaultLogBytes},
		{"servers of others", []Option{Log(Cluster{URLs: []string{"nats://127.0.0.1:4222"}})}, DefaultLogBytes},
		{"memory, asked for", []Option{LogLimits(time.Hour, 1<<20)}, 1 << 20},
		{"directory, asked for", []Option{LogLimits(time.Hour, 1<<20), Dir(t.TempDir())}, 1 << 20},
	} {
		var config Config
		for _, opt := range c.opts {
			if err := opt(&config); err != nil {
				t.Fatal(err)
			}
		}
		got, err := config.checked()
		if err != nil || got.LogBytes != c.want {
			t.Errorf("%s: %d bytes, %v; want %d", c.name, got.LogBytes, err, c.want)
		}
	}
}

// A log on servers of others has no listener, no readers and no disk of its own.
func TestOptionsThatContradictLog(t *testing.T) {
	log := Log(Cluster{URLs: []string{"nats://127.0.0.1:4222"}})
	for _, c := range []struct {
		name string
		opts []Option
		says string
	}{
		{"fits", []Option{log, DurableLog()}, ""},
		{"listener", []Option{log, NATS("127.0.0.1:0")}, "no embedded server that could listen on 127.0.0.1:0"},
		{"access", []Option{log, NATSAccess(Access{Token: "t"})}, "accounts of the NATS servers"},
		{"sync", []Option{log, LogSync(time.Second)}, "sync_interval"},
		{"no URL", []Option{func(c *Config) error { c.Log = &Cluster{}; return nil }}, "no URL"},
	} {
		var config Config
		for _, opt := range c.opts {
			if err := opt(&config); err != nil {
				t.Fatal(err)
			}
		}
		_, err := config.checked()
		if (err == nil) != (c.says == "") || err != nil && !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v, want %q", c.name, err, c.says)
		}
	}
}
