package sqlite

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aimdb-go/aimdb/sinks"
)

// privateMemory returns the resident kilobytes that no file has.
func privateMemory(t *testing.T) (kb int) {
	t.Helper()
	f, err := os.Open("/proc/self/status")
	if err != nil {
		t.Skip("this system does not tell the memory of a process: ", err)
	}
	defer f.Close()
	for lines := bufio.NewScanner(f); lines.Scan(); {
		if text, ok := strings.CutPrefix(lines.Text(), "RssAnon:"); ok {
			if _, err := fmt.Sscan(text, &kb); err != nil {
				t.Fatal(err)
			}
			return kb
		}
	}
	t.Skip("this system does not tell the anonymous memory of a process")
	return 0
}

// TestIdleWriterGivesItsCacheBack: its cache of 16 MB takes twice as much when it is full.
func TestIdleWriterGivesItsCacheBack(t *testing.T) {
	s, err := Open(filepath.Join(t.TempDir(), "history.db"))
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- s.Run(ctx) }()
	defer func() {
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}()
	value := []byte(`"` + strings.Repeat("x", 1000) + `"`)
	for range 20 {
		entries := make([]sinks.Entry, 1000)
		for i := range entries {
			entries[i] = sinks.Entry{Record: "a", Time: int64(i), Value: value}
		}
		if err := s.Write(ctx, &sinks.Batch{Entries: entries}); err != nil {
			t.Fatal(err)
		}
	}
	for _, worked := range []time.Duration{0, restAfter} {
		var before, after int
		err := s.ask(ctx, s.background, func(ctx context.Context, w *writer) error {
			w.worked = time.Now().Add(-worked)
			before = privateMemory(t)
			w.rest(ctx, s.options.logger)
			after = privateMemory(t)
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		if less := before-after > 10_000; less != (worked == restAfter) {
			t.Errorf("%v after its last work: %d kB before, %d kB after", worked, before, after)
		}
	}
}
