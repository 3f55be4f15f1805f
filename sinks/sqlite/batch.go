package sqlite

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/aimdb-go/aimdb/history"
	"github.com/aimdb-go/aimdb/loss"
	"github.com/aimdb-go/aimdb/sinks"
)

// Checkpoint implements sinks.Sink.
func (s *Store) Checkpoint(ctx context.Context) (history.Position, error) {
	if !s.own {
		return history.Position{}, nil
	}
	generation := s.watch.generation.Load()
	c, _, _, err := s.checkpoints(ctx)
	if err == nil {
		s.watch.asked.Store(generation)
	}
	return c, s.readError("read the checkpoint", err)
}

// Write implements sinks.Sink.
func (s *Store) Write(ctx context.Context, b *sinks.Batch) error {
	if limit := s.options.maxValue; limit > 0 {
		if err := sinks.Refuse(b, func(e sinks.Entry) error { return tooLarge(e, limit) }); err != nil {
			return err
		}
	}
	return s.ask(ctx, s.urgent, func(ctx context.Context, w *writer) error {
		if err := s.checkAsked(); err != nil {
			return err
		}
		if err := w.commit(ctx, b, s.now()); err != nil {
			return s.writeError(fmt.Sprintf("store %d values", len(b.Entries)), err)
		}
		s.sayHoles(w.holes)
		s.watchGrowth(ctx)
		return nil
	})
}

func tooLarge(e sinks.Entry, limit int) error {
	if len(e.Value) <= limit {
		return nil
	}
	return fmt.Errorf("store a value of %s: it has %d bytes and the limit is %d", e.Record, len(e.Value), limit)
}

// commit stores a batch with its checkpoint, if it follows the checkpoint that the file
// has.
func (w *writer) commit(ctx context.Context, b *sinks.Batch, now int64) error {
	w.holes = w.holes[:0]
	entries := gathered(b.Entries)
	groups := group(w.groups[:0], entries)
	w.groups = groups
	err := inTransaction(ctx, w.conn, func() (err error) {
		// Another process may have the file open too, so what is remembered is not enough.
		if w.checkpoint, err = w.readCheckpoint(ctx, false); err != nil {
			return err
		}
		if err := sinks.CheckPrevious(b, w.checkpoint); err != nil {
			return err
		}
		if err := w.insert(ctx, entries); err != nil {
			return err
		}
		if err := w.followNumbers(ctx, b, entries, groups, now); err != nil {
			return err
		}
		firstID, err := w.countGroups(ctx, groups, len(entries))
		if err != nil {
			return err
		}
		if err := w.cover(ctx, firstID, entries); err != nil {
			return err
		}
		if err := w.addSums(ctx, firstID, entries, b.Checkpoint.Log); err != nil {
			return err
		}
		if err := w.markShapes(ctx, firstID, entries); err != nil {
			return err
		}
		if err := w.keepRefused(ctx, b, now); err != nil {
			return err
		}
		if err := w.keepLosses(ctx, b.Losses, now); err != nil {
			return err
		}
		return w.setCheckpoint(ctx, b.Checkpoint)
	})
	if err == nil {
		w.checkpoint = b.Checkpoint
	}
	return err
}

// gathered sorts entries by record and keeps the order within each. Rows of one
// record are then in few pages of the file, and so are their entries in the
// index: a batch is stored faster, and a span of time is read from a tenth of the
// pages.
func gathered(entries []sinks.Entry) []sinks.Entry {
	byRecord := func(a, b sinks.Entry) int { return strings.Compare(a.Record, b.Record) }
	if slices.IsSortedFunc(entries, byRecord) {
		return entries
	}
	entries = slices.Clone(entries)
	slices.SortStableFunc(entries, byRecord)
	return entries
}

// insert stores entries. A record is boxed once for its whole group.
func (w *writer) insert(ctx context.Context, entries []sinks.Entry) error {
	var record any = ""
	for part := range slices.Chunk(entries, chunks[0]) {
		args := w.args[:0]
		for i := range part {
			e := &part[i]
			if record != e.Record {
				record = e.Record
			}
			args = append(args, record, string(e.Value), e.RowTime())
		}
		w.args = args
		if err := w.execChunks(ctx, &w.insertRows, args); err != nil {
			return err
		}
	}
	return nil
}

func (w *writer) keepRefused(ctx context.Context, b *sinks.Batch, now int64) error {
	for _, r := range b.Refused {
		_, err := w.exec(ctx, "INSERT INTO aimdb_dead_letter(log, sequence, record_name, value_json, stored_at, reason, noted_at, shape, event) VALUES (?,?,?,?,?,?,?,?,?)",
			b.Checkpoint.Log, int64(r.Entry.Sequence), r.Entry.Record, deadValue(r.Entry.Value), r.Entry.Time, r.Reason, now, r.Entry.Shape, eventOf(r.Entry))
		if err != nil {
			return err
		}
	}
	return nil
}

// deadLimit is how many bytes of a refused value are kept.
const deadLimit = 1 << 20

// deadValue truncates a value that may have been refused for its size.
func deadValue(value []byte) string { return string(value[:min(len(value), deadLimit)]) }

func (w *writer) keepLosses(ctx context.Context, losses []loss.Loss, now int64) error {
	for _, l := range losses {
		_, err := w.exec(ctx, "INSERT INTO aimdb_loss(record_name, cause, count, from_seq, to_seq, first_time, last_time, noted_at) VALUES (?,?,?,?,?,?,?,?)",
			l.Record, string(l.Cause), int64(l.Count), int64(l.From), int64(l.To), l.FirstTime, l.LastTime, now)
		if err != nil {
			return err
		}
	}
	return nil
}

// eventOf is the column event of a dead letter.
func eventOf(e sinks.Entry) any {
	if !e.Timed {
		return nil
	}
	return e.Event
}
