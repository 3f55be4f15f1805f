package sinktest

import (
	"context"
	"errors"
	"sync"
	"testing"

	"github.com/aimdb-go/aimdb/history"
	"github.com/aimdb-go/aimdb/loss"
	"github.com/aimdb-go/aimdb/sinks"
)

// fence writes batches that follow something else than the checkpoint.
func (x Target) fence(t *testing.T) {
	s := x.open(t)
	write(t, s, batch("log", 1, 5))
	for name, previous := range map[string]history.Position{
		"nothing":                 {},
		"an earlier checkpoint":   {Log: "log", Sequence: 4},
		"a later checkpoint":      {Log: "log", Sequence: 6},
		"a checkpoint of another": {Log: "other", Sequence: 5},
	} {
		for what, b := range map[string]*sinks.Batch{
			"values":       batch("log", 6, 8),
			"only a place": {Checkpoint: history.Position{Log: "log", Sequence: 8}},
			"a loss":       {Losses: []loss.Loss{{Record: "test::r1", Cause: loss.RingOverrun, Count: 1}}, Checkpoint: history.Position{Log: "log", Sequence: 8}},
		} {
			b.Previous = previous
			if err := s.Write(t.Context(), b); !errors.Is(err, sinks.ErrCheckpointMoved) || sinks.Refused(err) {
				t.Errorf("%s after %s gave %v, want ErrCheckpointMoved", what, name, err)
			}
			x.holds(t, s, "log", 5)
		}
	}
	if all := x.Losses(t, s); len(all) != 0 {
		t.Errorf("the ledger has %+v", all)
	}
	write(t, s, batch("log", 6, 8))
	x.holds(t, s, "log", 8)
}

// twoWriters lets two writers write the same batches at once.
func (x Target) twoWriters(t *testing.T) {
	if x.Shared == nil {
		t.Skip("this kind of sink has one writer only")
	}
	const rounds, size = 40, 5
	dir := t.TempDir()
	first, closeFirst := x.Open(t, dir)
	defer closeFirst()
	write(t, first, batch("log", 1, size))
	second, closeSecond := x.Shared(t, dir)
	defer closeSecond()
	for round := 1; round < rounds; round++ {
		results := [2]error{}
		var both sync.WaitGroup
		for i, s := range []sinks.Sink{first, second} {
			both.Go(func() { results[i] = s.Write(context.WithoutCancel(t.Context()), following(round, size)) })
		}
		both.Wait()
		stored := 0
		for _, err := range results {
			switch {
			case err == nil:
				stored++
			case !errors.Is(err, sinks.ErrCheckpointMoved):
				t.Fatalf("round %d: %v", round, err)
			}
		}
		if stored != 1 {
			t.Fatalf("round %d: %d of two writers stored the batch", round, stored)
		}
	}
	x.holds(t, first, "log", rounds*size)
	x.holds(t, second, "log", rounds*size)
}

// following is the batch after some others of a size.
func following(batches, size int) *sinks.Batch {
	b := batch("log", batches*size+1, (batches+1)*size)
	b.Previous = history.Position{Log: "log", Sequence: uint64(batches * size)}
	return b
}
