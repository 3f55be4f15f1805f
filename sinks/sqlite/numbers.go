package sqlite

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"slices"
	"strings"

	"github.com/aimdb-go/aimdb/history"
	"github.com/aimdb-go/aimdb/sinks"
)

// aimdb_record has the last number of each record that the log has delivered, as a value,
// a refused value or a loss. What a batch skips is a hole, and becomes a row of
// aimdb_hole. Numbers are compared within one log only. A range of the log that is known
// to be missing explains what the next number of each record skips.

// followNumber extends the statement that counts the rows of a batch. Rows of other writers
// have no number and leave the last one as it is.
const followNumber = ", run = coalesce(excluded.run, run), number = coalesce(excluded.number, number)"

// numberArgs are the columns run and number.
func numberArgs(l sinks.LastNumber) (run, number any) {
	if !l.Known {
		return nil, nil
	}
	return int64(l.Run), int64(l.Number)
}

// followNumbers is part of the transaction of a batch. It writes down holes, and leaves the
// last numbers in w.numbers, from where countGroups stores those of records with rows.
func (w *writer) followNumbers(ctx context.Context, b *sinks.Batch, entries []sinks.Entry, groups []recordGroup, now int64) error {
	if b.BeginsAgain() {
		if err := w.forgetNumbers(ctx); err != nil {
			return err
		}
	}
	w.walked = b.AppendNumbers(w.walked[:0], entries)
	walk, gaps := w.walked, b.Gaps()
	known := w.numbers
	w.numbers = map[string]sinks.LastNumber{}
	if len(gaps) == 0 {
		w.numbers = known
	}
	for rest := walk; len(rest) > 0; {
		record := rest[0].Record
		n := 1
		for n < len(rest) && rest[n].Record == record {
			n++
		}
		last, err := w.lastNumber(ctx, known, record)
		if err != nil {
			return err
		}
		if err := w.keepHoles(ctx, last.Follow(rest[:n], gaps, b.After()), now); err != nil {
			return err
		}
		if _, have := w.numbers[record]; !have {
			record = strings.Clone(record) // the batch is the caller's
		}
		w.numbers[record], rest = last, rest[n:]
	}
	if len(gaps) > 0 {
		if _, err := w.exec(ctx, dropNumbers); err != nil {
			return err
		}
	}
	if len(b.Refused)+len(b.Covered) == 0 {
		return nil // all records have rows
	}
	return w.setNumbers(ctx, walk, groups)
}

// keepHoles writes holes down.
func (w *writer) keepHoles(ctx context.Context, holes []history.Hole, now int64) error {
	for _, hole := range holes {
		_, err := w.exec(ctx, "INSERT INTO aimdb_hole(record_name, run, from_number, to_number, time, noted_at) VALUES (?,?,?,?,?,?)",
			hole.Record, int64(hole.Run), int64(hole.From), int64(hole.To), hole.Time, now)
		if err != nil {
			return err
		}
	}
	w.holes = append(w.holes, holes...)
	return nil
}

func (w *writer) lastNumber(ctx context.Context, known map[string]sinks.LastNumber, record string) (last sinks.LastNumber, err error) {
	if last, have := known[record]; have {
		return last, nil
	}
	statement, err := w.prepared(ctx, "SELECT run, number FROM aimdb_record WHERE name = ? AND run IS NOT NULL AND number IS NOT NULL")
	if err != nil {
		return last, err
	}
	var run, number int64
	err = statement.QueryRowContext(ctx, record).Scan(&run, &number)
	if errors.Is(err, sql.ErrNoRows) {
		return last, nil
	}
	return sinks.LastNumber{Run: uint64(run), Number: uint64(number), Known: true}, err
}

// dropNumbers forgets the last numbers of all records.
const dropNumbers = "UPDATE aimdb_record SET run = NULL, number = NULL WHERE run IS NOT NULL"

func (w *writer) forgetNumbers(ctx context.Context) error {
	clear(w.numbers)
	_, err := w.exec(ctx, dropNumbers)
	return err
}

// setNumbers stores the last numbers of records that have no rows in a batch.
func (w *writer) setNumbers(ctx context.Context, walk []sinks.Numbers, groups []recordGroup) error {
	for i, n := range walk {
		if i > 0 && walk[i-1].Record == n.Record {
			continue
		}
		if _, counted := slices.BinarySearchFunc(groups, n.Record, func(g recordGroup, record string) int { return cmp.Compare(g.record, record) }); counted {
			continue
		}
		run, number := numberArgs(w.numbers[n.Record])
		_, err := w.exec(ctx, `INSERT INTO aimdb_record(name, rows, bytes, run, number) VALUES (?1, 0, 0, ?2, ?3)
			ON CONFLICT(name) DO UPDATE SET run = excluded.run, number = excluded.number`, n.Record, run, number)
		if err != nil {
			return err
		}
	}
	return nil
}

// sayHoles logs the holes of the last batch.
func (s *Store) sayHoles(holes []history.Hole) {
	for _, h := range holes {
		s.options.logger.Error("the log has not delivered values of a record, and nothing has counted them as lost",
			"file", s.path, "record", h.Record, "run", h.Run, "from", h.From, "to", h.To)
	}
}
