package ndjson

import (
	"context"
	"fmt"

	"github.com/aimdb-go/aimdb/history"
	"github.com/aimdb-go/aimdb/key"
	"github.com/aimdb-go/aimdb/sinks"
)

// Write implements sinks.Sink. It refuses entries that [CheckRow] does not take.
func (s *Sink) Write(ctx context.Context, b *sinks.Batch) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return fmt.Errorf("write to %s: %w", s.dir, ErrClosed)
	}
	if err := sinks.CheckPrevious(b, s.state.Position); err != nil {
		return fmt.Errorf("write to %s: %w", s.dir, err)
	}
	// Checking takes about as long as compressing, so both run at once.
	checked := make(chan error, 1)
	go func() { checked <- refuse(b) }()
	err := s.encode(b)
	if refused := <-checked; refused != nil {
		return refused
	}
	if err == nil {
		err = s.store(b)
	}
	if err != nil {
		return fmt.Errorf("write %d rows to %s: %w", len(b.Entries), s.dir, err)
	}
	s.retain()
	return nil
}

// refuse names the entries that are no rows.
func refuse(b *sinks.Batch) error {
	keys := map[string]error{} // a batch has few records
	return sinks.Refuse(b, func(e sinks.Entry) error {
		err, known := keys[e.Record]
		if !known {
			_, err = key.Parse(e.Record)
			keys[e.Record] = err
		}
		if err != nil {
			return err
		}
		return checkContent(row(e))
	})
}

// store writes a batch whose lines are encoded, or leaves the state as it was.
func (s *Sink) store(b *sinks.Batch) error {
	if err := s.settle(b); err != nil {
		return err
	}
	next := s.state
	next.Position = b.Checkpoint
	next.Data, next.Sum, next.Added = int64(len(s.frame)), checksum(s.frame), int64(len(b.Entries))
	next.File.add(b.Entries)
	var err error
	if next.Losses, err = s.appendLines(lossesName, s.state.Losses, lossLines(b.Losses)); err != nil {
		return err
	}
	if next.DeadLetters, err = s.appendLines(deadLettersName, s.state.DeadLetters, letterLines(b.Refused)); err != nil {
		return err
	}
	start, err := next.frame()
	if err != nil {
		return err
	}
	if err := s.open.append(start, s.frame); err != nil {
		return err
	}
	s.state = next
	return nil
}

// settle closes the open file if it is due, and makes one if there is none.
func (s *Sink) settle(b *sinks.Batch) error {
	if s.due(b) {
		if err := s.rotate(); err != nil {
			return err
		}
	}
	if s.manifest.stale {
		if err := s.manifest.store(); err != nil {
			return err
		}
	}
	if s.open != nil {
		return nil
	}
	return s.create()
}

// encode sets the frame to the lines of a batch.
func (s *Sink) encode(b *sinks.Batch) error {
	s.lines, s.frame = s.lines[:0], s.frame[:0]
	if len(b.Entries) == 0 {
		return nil
	}
	var err error
	for _, e := range b.Entries {
		sequence := e.Sequence
		if !s.sequences {
			sequence = 0
		}
		if s.lines, err = appendLine(s.lines, row(e), sequence); err != nil {
			return err
		}
	}
	s.frame = s.encoder.EncodeAll(s.lines, s.frame)
	return nil
}

func row(e sinks.Entry) history.Row {
	r := history.Row{Record: e.Record, Time: e.RowTime(), Value: e.Value, Shape: e.Shape}
	if e.Timed {
		r.Stored = e.Time
	}
	return r
}

// add takes the entries that follow.
func (f *facts) add(entries []sinks.Entry) {
	for _, e := range entries {
		if f.Rows == 0 {
			f.FirstSequence, f.FirstTime, f.LastTime = e.Sequence, e.Time, e.Time
		}
		f.Rows++
		f.LastSequence = e.Sequence
		f.FirstTime, f.LastTime = min(f.FirstTime, e.Time), max(f.LastTime, e.Time)
	}
}
