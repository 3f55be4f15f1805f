package postgres

import (
	"context"
	"errors"
	"fmt"
	"iter"

	"github.com/jackc/pgx/v5"

	"github.com/aimdb-go/aimdb/history"
	"github.com/aimdb-go/aimdb/loss"
	"github.com/aimdb-go/aimdb/sinks"
)

var _ history.DeadLetters = (*Store)(nil)

// maxLetter is how much of a refused value is kept.
const maxLetter = 1 << 20

// ErrNoDeadLetter is the error for the ID of a dead letter that there is not.
var ErrNoDeadLetter = errors.New("there is no such dead letter; list them for their IDs")

// queueLetter keeps a refused value.
func queueLetter(batch *pgx.Batch, log string, r sinks.Refusal, now int64) {
	e := r.Entry
	var event *int64
	if e.Timed {
		event = &e.Event
	}
	batch.Queue(`INSERT INTO aimdb_dead_letter(log, sequence, run, number, record_name, value_json, stored_at, reason, noted_at, shape, event) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)`,
		text(log), int64(e.Sequence), int64(e.Run), int64(e.Number), append([]byte{}, e.Record...),
		append([]byte{}, e.Value[:min(len(e.Value), maxLetter)]...), e.Time, text(r.Reason), now, int64(e.Shape), event)
}

const letterColumns = "id, sequence, record_name, value_json, stored_at, reason, shape, event"

func scanLetter(row pgx.CollectableRow) (int64, history.DeadLetter, error) {
	var l history.DeadLetter
	var sequence int64
	var record, value []byte
	err := row.Scan(&l.ID, &sequence, &record, &value, &l.Time, &l.Reason, &l.Shape, &l.Event)
	l.Sequence, l.Record, l.Value = uint64(sequence), string(record), value
	return l.ID, l, err
}

// DeadLetters implements history.DeadLetters. Of a very large value only the beginning was
// kept.
func (s *Store) DeadLetters(ctx context.Context) iter.Seq2[history.DeadLetter, error] {
	return notes(ctx, s, "read the dead letters", "SELECT "+letterColumns+" FROM aimdb_dead_letter WHERE id > $1 ORDER BY id LIMIT 16", scanLetter)
}

// DropDeadLetter implements history.DeadLetters.
func (s *Store) DropDeadLetter(ctx context.Context, id int64) error {
	return s.changeLetter(ctx, "drop", id, func(pgx.Tx, history.DeadLetter) error { return nil })
}

// RetryDeadLetter implements history.DeadLetters. Another process may write meanwhile. The
// row counts by its time: it is no clock step.
func (s *Store) RetryDeadLetter(ctx context.Context, id int64) error {
	if err := s.prepareForLetter(ctx, id); err != nil {
		return s.explained(fmt.Sprintf("store the dead letter %d", id), err)
	}
	return s.changeLetter(ctx, "store", id, func(tx pgx.Tx, l history.DeadLetter) error {
		e := entryOf(l)
		if len(l.Value) >= maxLetter {
			return fmt.Errorf("only the first %d bytes of the value were kept", maxLetter)
		}
		if err := notStorable(e); err != nil {
			return err
		}
		if err := s.addRows(ctx, tx, []sinks.Entry{e}); err != nil {
			return err
		}
		_, err := tx.Exec(ctx, "DELETE FROM aimdb_loss WHERE id = (SELECT min(id) FROM aimdb_loss WHERE cause = $1 AND record_name = $2 AND from_seq = $3 AND to_seq = $3)",
			string(loss.SinkRefused), l.Record, int64(l.Sequence))
		return err
	})
}

func entryOf(l history.DeadLetter) sinks.Entry {
	e := sinks.Entry{Record: l.Record, Time: l.Time, Value: l.Value, Shape: l.Shape}
	if l.Event != nil {
		e.Timed, e.Event = true, *l.Event
	}
	return e
}

// prepareForLetter makes the partition that the row of a dead letter needs. changeLetter says
// if there is no such letter.
func (s *Store) prepareForLetter(ctx context.Context, id int64) error {
	db, err := s.db(ctx)
	if err != nil {
		return err
	}
	rows, err := db.Query(ctx, "SELECT "+letterColumns+" FROM aimdb_dead_letter WHERE id = $1", id)
	if err != nil {
		return err
	}
	letters, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (history.DeadLetter, error) {
		_, l, err := scanLetter(row)
		return l, err
	})
	if err != nil || len(letters) == 0 || !storableName(letters[0].Record) {
		return err
	}
	return s.preparePartitions(ctx, db, []sinks.Entry{entryOf(letters[0])})
}

// changeLetter deletes a dead letter in the transaction of something else.
func (s *Store) changeLetter(ctx context.Context, doing string, id int64, do func(pgx.Tx, history.DeadLetter) error) error {
	db, err := s.db(ctx)
	if err != nil {
		return err
	}
	err = pgx.BeginFunc(ctx, db, func(tx pgx.Tx) error {
		rows, err := tx.Query(ctx, "DELETE FROM aimdb_dead_letter WHERE id = $1 RETURNING "+letterColumns, id)
		if err != nil {
			return err
		}
		l, err := pgx.CollectExactlyOneRow(rows, func(row pgx.CollectableRow) (history.DeadLetter, error) {
			_, l, err := scanLetter(row)
			return l, err
		})
		if errors.Is(err, pgx.ErrNoRows) {
			return ErrNoDeadLetter
		}
		if err != nil {
			return err
		}
		return do(tx, l)
	})
	return s.explained(fmt.Sprintf("%s the dead letter %d", doing, id), err)
}
