package aimdb

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/aimdb-go/aimdb/bus"
	"github.com/aimdb-go/aimdb/history"
	"github.com/aimdb-go/aimdb/sinks/pump"
)

// oneBatch is a log whose next batch has sequences 1 to 5 and an error.
type oneBatch struct {
	pump.Stream
	err   error
	acked int
}

func (o *oneBatch) Open(context.Context, string, history.Position) (pump.Stream, error) {
	return o, nil
}

func (o *oneBatch) Next(_ context.Context, dst []bus.Message, _ int, _ time.Time) (int, error) {
	for i := range 5 {
		dst[i] = bus.Message{Sequence: uint64(i + 1)}
	}
	return 5, o.err
}

func (o *oneBatch) Ack() error { o.acked++; return nil }

// A batch that holds values of earlier runs and of this one is cut, and its second
// part waits for the release.
func TestStartSourceCutsABatch(t *testing.T) {
	log := &oneBatch{err: errors.New("cut off")}
	release := make(chan struct{})
	stream, err := startSource{Source: log, last: 3, release: release}.Open(t.Context(), "sink", history.Position{})
	if err != nil {
		t.Fatal(err)
	}
	dst := make([]bus.Message, 8)
	next := func(ctx context.Context) (sequences []uint64, err error) {
		n, err := stream.Next(ctx, dst, 1, time.Time{})
		for _, m := range dst[:n] {
			sequences = append(sequences, m.Sequence)
		}
		if err := stream.Ack(); err != nil {
			t.Error(err)
		}
		return sequences, err
	}
	if got, err := next(t.Context()); len(got) != 3 || got[0] != 1 || err != nil || log.acked != 0 {
		t.Errorf("first came %v, %v, and %d acknowledgements", got, err, log.acked)
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if got, err := next(ended); len(got) != 0 || !errors.Is(err, context.Canceled) {
		t.Errorf("before the release came %v, %v", got, err)
	}
	close(release)
	if got, err := next(t.Context()); len(got) != 2 || got[0] != 4 || !errors.Is(err, log.err) || log.acked != 1 {
		t.Errorf("after the release came %v, %v, and %d acknowledgements", got, err, log.acked)
	}
	if got, _ := next(t.Context()); len(got) != 5 {
		t.Errorf("then came %v", got)
	}
}
