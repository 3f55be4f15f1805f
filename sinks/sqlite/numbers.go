package sqlite

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"slices"
	"strings"

	"github.com/aimdb-go/aimdb/history"
	"github.com/aimdb-go/aimdb/loss"
	"github.com/aimdb-go/aimdb/sinks"
)

// aimdb_record has the last number of each record that the log has delivered, as a value,
// a refused value or a loss. What a batch skips is a hole, and becomes a row of
// aimdb_hole. Numbers are compared within one log only. A range of the log that is known
// to be missing explains what the next number of each record skips.

// lastNumber is the last number of a record. It is not known before the first value of a
// log, nor after a range of the log that is missing.
type lastNumber struct {
	run, number uint64
	known       bool
}

// follow moves on to the next numbers and returns the hole before them.
func (l *lastNumber) follow(n sinks.Numbers) (hole history.Hole, found bool) {
	before := uint64(0) // a later run begins with 1
	switch {
	case l.known && n.Run < l.run:
		return history.Hole{}, false // the end of a run that wrote on after the next one had begun
	case !l.known:
		before = n.From - 1
	case n.Run == l.run:
		before = l.number
	}
	*l = lastNumber{run: n.Run, number: max(n.To, before), known: true}
	return history.Hole{Record: n.Record, Run: n.Run, From: before + 1, To: n.From - 1, Time: n.Time}, n.From > before+1
}

// followNumber extends the statement that counts the rows of a batch. Rows of other writers
// have no number and leave the last one as it is.
const followNumber = ", run = coalesce(excluded.run, run), number = coalesce(excluded.number, number)"

// args are the columns run and number.
func (l lastNumber) args() (run, number any) {
	if !l.known {
		return nil, nil
	}
	return int64(l.run), int64(l.number)
}

// followNumbers is part of the transaction of a batch. It writes down holes, and leaves the
// last numbers in w.numbers, from where countGroups stores those of records with rows.
func (w *writer) followNumbers(ctx context.Context, b *sinks.Batch, entries []sinks.Entry, groups []recordGroup, after uint64, now int64) error {
	if setsBack(b) && b.Checkpoint.Sequence < after || b.Checkpoint.Log != w.checkpoint.Log {
		if err := w.forgetNumbers(ctx); err != nil {
			return err
		}
	}
	walk, gaps := w.walk(b, entries, after), missingAfter(b.Losses, after)
	known := w.numbers
	w.numbers = map[string]lastNumber{}
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
		if err := w.followRecord(ctx, &last, rest[:n], gaps, after, now); err != nil {
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

// walk returns the numbers of a batch, sorted by record and in the order of the log.
func (w *writer) walk(b *sinks.Batch, entries []sinks.Entry, after uint64) []sinks.Numbers {
	walk := w.walked[:0]
	add := func(e *sinks.Entry) {
		if e.Number > 0 && e.Sequence > after {
			walk = append(walk, sinks.Numbers{Sequence: e.Sequence, Record: e.Record, Run: e.Run, From: e.Number, To: e.Number, Time: e.Time})
		}
	}
	for i := range entries {
		add(&entries[i])
	}
	for i := range b.Refused {
		add(&b.Refused[i].Entry)
	}
	for _, n := range b.Covered {
		if n.From > 0 && n.Sequence > after {
			walk = append(walk, n)
		}
	}
	if len(b.Refused)+len(b.Covered) > 0 {
		slices.SortStableFunc(walk, func(a, b sinks.Numbers) int {
			return cmp.Or(cmp.Compare(a.Record, b.Record), cmp.Compare(a.Sequence, b.Sequence))
		})
	}
	w.walked = walk
	return walk
}

// followRecord compares the numbers of one record with its last one.
func (w *writer) followRecord(ctx context.Context, last *lastNumber, numbers []sinks.Numbers, gaps []uint64, at uint64, now int64) error {
	for _, n := range numbers {
		if between(gaps, at, n.Sequence) {
			last.known = false
		}
		at = n.Sequence
		hole, found := last.follow(n)
		if !found {
			continue
		}
		_, err := w.exec(ctx, "INSERT INTO aimdb_hole(record_name, run, from_number, to_number, time, noted_at) VALUES (?,?,?,?,?,?)",
			hole.Record, int64(hole.Run), int64(hole.From), int64(hole.To), hole.Time, now)
		if err != nil {
			return err
		}
		w.holes = append(w.holes, hole)
	}
	if len(gaps) > 0 && gaps[len(gaps)-1] > at {
		last.known = false
	}
	return nil
}

// missingAfter returns the sorted sequences after one at which a range of the log is known
// to be missing.
func missingAfter(losses []loss.Loss, after uint64) (gaps []uint64) {
	for _, l := range losses {
		switch l.Cause {
		case loss.LogDiscarded, loss.LogTruncated, loss.LogDamaged:
			if l.Record == "" && l.To > after {
				gaps = append(gaps, l.To)
			}
		}
	}
	slices.Sort(gaps)
	return gaps
}

// between reports whether a number is above from and not above to.
func between(sorted []uint64, from, to uint64) bool {
	i, _ := slices.BinarySearch(sorted, from+1)
	return i < len(sorted) && sorted[i] <= to
}

func (w *writer) lastNumber(ctx context.Context, known map[string]lastNumber, record string) (last lastNumber, err error) {
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
	return lastNumber{run: uint64(run), number: uint64(number), known: true}, err
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
		run, number := w.numbers[n.Record].args()
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
