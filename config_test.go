package aimdb

import (
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
