package aimdb_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"testing"

	"github.com/aimdb-go/aimdb"
	"github.com/aimdb-go/aimdb/history"
	"github.com/aimdb-go/aimdb/sinks/memory"
)

// awayReader is a store that takes batches and answers no query.
type awayReader struct {
	memoryBackend
	err error
}

func (a awayReader) Latest(context.Context, history.LatestQuery) iter.Seq2[history.Row, error] {
	return func(yield func(history.Row, error) bool) { yield(history.Row{}, a.err) }
}

// TestStartWithoutHistory: a database serves while its history cannot be reached. Any
// other error of the history ends it.
func TestStartWithoutHistory(t *testing.T) {
	for name, c := range map[string]struct {
		err    error
		serves bool
	}{
		"out of reach": {fmt.Errorf("no route: %w", history.ErrUnavailable), true},
		"damaged":      {errors.New("damaged"), false},
	} {
		t.Run(name, func(t *testing.T) {
			db, err := aimdb.New(aimdb.Dir(t.TempDir()), aimdb.WithPersistence(awayReader{memoryBackend{&memory.Sink{}}, c.err}, 0))
			if err != nil {
				t.Fatal(err)
			}
			r := register[int](t, db, "n", aimdb.Ring(4), aimdb.Persist())
			ctx, stop := context.WithCancel(t.Context())
			done := make(chan error, 1)
			go func() { done <- db.Run(ctx) }()
			if c.serves {
				select {
				case <-db.Ready():
				case err := <-done:
					t.Fatalf("Run gives %v", err)
				}
				r.Produce(1)
				if err := db.Flush(ctx); err != nil {
					t.Error(err)
				}
				stop()
			}
			if err := <-done; (err == nil) != c.serves || err != nil && !errors.Is(err, c.err) {
				t.Errorf("Run gives %v", err)
			}
			stop()
		})
	}
}
