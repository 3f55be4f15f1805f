package postgres

import (
	"context"
	"iter"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/aimdb-go/aimdb/history"
	"github.com/aimdb-go/aimdb/sinks"
)

// aimdb_record has the last number of each record that the log has delivered. What a batch
// skips is a hole, and becomes a row of aimdb_hole. The writer remembers the last numbers
// as long as no other process moves the checkpoint.

const (
	lastNumbersText = "SELECT record_name, run, number FROM aimdb_record WHERE record_name = ANY($1) AND run IS NOT NULL AND number IS NOT NULL"
	// forgetNumbers forgets the last numbers of all records.
	forgetNumbers = "UPDATE aimdb_record SET run = NULL, number = NULL WHERE run IS NOT NULL"
	// setNumbers stores those of records that have no rows in a batch.
	setNumbers = `INSERT INTO aimdb_record(record_name, rows, bytes, run, number)
		SELECT name, 0, 0, run, number FROM unnest($1::text[], $2::int8[], $3::int8[]) AS n(name, run, number)
		ON CONFLICT (record_name) DO UPDATE SET run = excluded.run, number = excluded.number`
	addHole = "INSERT INTO aimdb_hole(record_name, run, from_number, to_number, time, noted_at) VALUES ($1, $2, $3, $4, $5, $6)"
)

// numberColumns are the columns run and number of a record.
func numberColumns(l sinks.LastNumber) (run, number *int64) {
	if !l.Known {
		return nil, nil
	}
	r, n := int64(l.Run), int64(l.Number)
	return &r, &n
}

// followNumbers is part of the transaction of a batch. It queues the holes, and leaves the
// last numbers in w.numbers, from where those of records with rows are stored.
func (w *writer) followNumbers(ctx context.Context, rest *pgx.Batch, b *sinks.Batch, entries []sinks.Entry, now int64) error {
	gaps := b.Gaps()
	w.walked = b.AppendNumbers(w.walked[:0], entries)
	if b.BeginsAgain() {
		clear(w.numbers)
		rest.Queue(forgetNumbers)
	} else if err := w.readNumbers(ctx, w.walked); err != nil {
		return err
	}
	known := w.numbers
	if len(gaps) > 0 {
		w.numbers = map[string]sinks.LastNumber{}
		rest.Queue(forgetNumbers)
	}
	for n := range byRecord(w.walked) {
		record := n[0].Record
		last := known[record]
		for _, hole := range last.Follow(n, gaps, b.After()) {
			rest.Queue(addHole, text(hole.Record), int64(hole.Run), int64(hole.From), int64(hole.To), hole.Time, now)
			w.holes = append(w.holes, hole)
		}
		if _, have := w.numbers[record]; !have {
			record = strings.Clone(record) // the batch is the caller's
		}
		w.numbers[record] = last
	}
	if len(b.Refused)+len(b.Covered) > 0 {
		w.queueNumbers(rest)
	}
	return nil
}

// readNumbers reads the last numbers of the records that are not known yet.
func (w *writer) readNumbers(ctx context.Context, numbers []sinks.Numbers) error {
	var unknown []string
	for n := range byRecord(numbers) {
		if _, known := w.numbers[n[0].Record]; !known && storableName(n[0].Record) {
			unknown = append(unknown, n[0].Record)
		}
	}
	if len(unknown) == 0 {
		return nil
	}
	var record string
	var run, number int64
	return each(ctx, w.conn, lastNumbersText, []any{unknown}, []any{&record, &run, &number}, func() {
		w.numbers[record] = sinks.LastNumber{Run: uint64(run), Number: uint64(number), Known: true}
	})
}

// queueNumbers stores the last numbers of records that have no rows in a batch.
func (w *writer) queueNumbers(rest *pgx.Batch) {
	var names []string
	var runs, numbers []*int64
	for n := range byRecord(w.walked) {
		record := n[0].Record
		_, counted := slices.BinarySearchFunc(w.groups, record, func(g recordGroup, record string) int { return strings.Compare(g.record, record) })
		if counted || !storableName(record) {
			continue
		}
		run, number := numberColumns(w.numbers[record])
		names, runs, numbers = append(names, record), append(runs, run), append(numbers, number)
	}
	if len(names) > 0 {
		rest.Queue(setNumbers, names, runs, numbers)
	}
}

// byRecord yields the parts of numbers that are of one record.
func byRecord(numbers []sinks.Numbers) iter.Seq[[]sinks.Numbers] {
	return func(yield func([]sinks.Numbers) bool) {
		for len(numbers) > 0 {
			n := 1
			for n < len(numbers) && numbers[n].Record == numbers[0].Record {
				n++
			}
			if !yield(numbers[:n]) {
				return
			}
			numbers = numbers[n:]
		}
	}
}

// sayHoles logs the holes of the last batch.
func (s *Store) sayHoles(holes []history.Hole) {
	for _, h := range holes {
		s.config.Logger.Error("the log has not delivered values of a record, and nothing has counted them as lost",
			"schema", s.config.Schema, "record", h.Record, "run", h.Run, "from", h.From, "to", h.To)
	}
}

// Holes yields the numbers that the log has not delivered and nothing has counted, oldest
// first.
func (s *Store) Holes(ctx context.Context) iter.Seq2[history.Hole, error] {
	return notes(ctx, s, "read the holes", `SELECT id, record_name, run, from_number, to_number, time
		FROM aimdb_hole WHERE id > $1 ORDER BY id LIMIT 1000`, func(row pgx.CollectableRow) (id int64, h history.Hole, err error) {
		var run, from, to int64
		err = row.Scan(&id, &h.Record, &run, &from, &to, &h.Time)
		h.Run, h.From, h.To = uint64(run), uint64(from), uint64(to)
		return id, h, err
	})
}
