package memory

import (
	"context"
	"slices"
	"sync"

	"github.com/aimdb-go/aimdb/history"
	"github.com/aimdb-go/aimdb/loss"
	"github.com/aimdb-go/aimdb/sinks"
)

// Sink keeps batches in memory. The zero value is ready; its name is "memory".
type Sink struct {
	// Named is the name of the sink if it is not "memory".
	Named string
	// Refuse, if set, returns why an entry is refused for good, or nil.
	Refuse func(sinks.Entry) error

	mu sync.Mutex
	// rows are only appended to or replaced, so that a reader needs no copy.
	rows       []stored
	identity   string
	lastID     int64
	lastPrune  int64
	trusted    int64
	refused    []sinks.Refusal
	losses     []loss.Loss
	checkpoint history.Position
	batches    int
}

var (
	_ sinks.Sink     = (*Sink)(nil)
	_ history.Reader = (*Sink)(nil)
	_ history.Pruner = (*Sink)(nil)
)

// stored is a row with its sequence in the log, and the least time of a sweep that
// found it.
type stored struct {
	history.Row
	sequence uint64
	found    int64
	// timed says that Time is the value's own, and written is when it was written.
	timed   bool
	written int64
}

// Name implements sinks.Sink.
func (s *Sink) Name() string {
	if s.Named != "" {
		return s.Named
	}
	return "memory"
}

// Checkpoint implements sinks.Sink.
func (s *Sink) Checkpoint(context.Context) (history.Position, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.checkpoint, nil
}

// Write implements sinks.Sink.
func (s *Sink) Write(ctx context.Context, b *sinks.Batch) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if s.Refuse != nil {
		if err := sinks.Refuse(b, s.Refuse); err != nil {
			return err
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := sinks.CheckPrevious(b, s.checkpoint); err != nil {
		return err
	}
	for _, e := range b.Entries {
		e = copied(e)
		s.lastID++
		s.rows = append(s.rows, stored{history.Row{ID: s.lastID, Record: e.Record, Time: e.RowTime(), Value: e.Value, Shape: e.Shape}, e.Sequence, 0, e.Timed, e.Time})
	}
	for _, r := range b.Refused {
		s.refused = append(s.refused, sinks.Refusal{Entry: copied(r.Entry), Reason: r.Reason})
	}
	s.losses = append(s.losses, b.Losses...)
	s.checkpoint = b.Checkpoint
	s.batches++
	return nil
}

func copied(e sinks.Entry) sinks.Entry {
	e.Value = slices.Clone(e.Value)
	return e
}

// Entries returns what is stored, in the order it was written.
func (s *Sink) Entries() []sinks.Entry {
	s.mu.Lock()
	defer s.mu.Unlock()
	entries := make([]sinks.Entry, 0, len(s.rows))
	for _, row := range s.rows {
		e := sinks.Entry{Sequence: row.sequence, Record: row.Record, Time: row.at(), Value: row.Value, Shape: row.Shape}
		if e.Timed = row.timed; e.Timed {
			e.Event = row.Time
		}
		entries = append(entries, e)
	}
	return entries
}

// Refused returns the dead letters.
func (s *Sink) Refused() []sinks.Refusal {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.refused)
}

// Losses returns the ledger.
func (s *Sink) Losses() []loss.Loss {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.losses)
}

// Batches returns the number of batches that were written.
func (s *Sink) Batches() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.batches
}
