package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"iter"
	"strings"

	"github.com/aimdb-go/aimdb/history"
	"github.com/aimdb-go/aimdb/loss"
	"github.com/aimdb-go/aimdb/sinks"
)

var _ history.DeadLetters = (*Store)(nil)

// ErrNoDeadLetter is the error for the ID of a dead letter that there is not.
var ErrNoDeadLetter = errors.New("there is no such dead letter; list them for their IDs")

const letterColumns = "SELECT id, sequence, record_name, value_json, stored_at, reason, shape, event FROM aimdb_dead_letter"

// letters is letterColumns for a file of any version.
func (s *Store) letters() string {
	text := letterColumns
	if s.version < shapedSince {
		text = strings.Replace(text, ", shape", ", 0", 1)
	}
	if s.version < timedSince {
		text = strings.Replace(text, ", event", ", NULL", 1)
	}
	return text
}

// DeadLetters implements history.DeadLetters. Of a very large value only the beginning
// was kept.
func (s *Store) DeadLetters(ctx context.Context) iter.Seq2[history.DeadLetter, error] {
	return notes(ctx, s, "read the dead letters", s.lettersAfter)
}

func (s *Store) lettersAfter(ctx context.Context, after int64) (letters []history.DeadLetter, last int64, err error) {
	ctx, cancel := s.reading(ctx)
	defer cancel()
	rows, err := s.readers.QueryContext(ctx, s.letters()+" WHERE id > ? ORDER BY id LIMIT 16", after)
	if err != nil {
		return nil, 0, err
	}
	defer rows.Close()
	for rows.Next() {
		l, err := scanLetter(rows.Scan)
		if err != nil {
			return nil, 0, err
		}
		letters, last = append(letters, l), l.ID
	}
	return letters, last, rows.Err()
}

func scanLetter(scan func(...any) error) (l history.DeadLetter, err error) {
	var value string
	err = scan(&l.ID, &l.Sequence, &l.Record, &value, &l.Time, &l.Reason, &l.Shape, &l.Event)
	l.Value = []byte(value)
	return l, err
}

// RetryDeadLetter implements history.DeadLetters. A row that a repair has given up, and a
// value of which only the beginning was kept, are never stored again.
func (s *Store) RetryDeadLetter(ctx context.Context, id int64) error {
	return s.changeLetter(ctx, "store", id, func(ctx context.Context, w *writer, l history.DeadLetter) error {
		if err := s.notStorable(l); err != nil {
			return err
		}
		return w.storeLetter(ctx, l)
	})
}

// DropDeadLetter implements history.DeadLetters.
func (s *Store) DropDeadLetter(ctx context.Context, id int64) error {
	return s.changeLetter(ctx, "drop", id, func(context.Context, *writer, history.DeadLetter) error { return nil })
}

// changeLetter deletes a dead letter in the transaction of something else.
func (s *Store) changeLetter(ctx context.Context, doing string, id int64, do func(context.Context, *writer, history.DeadLetter) error) error {
	return s.ask(ctx, s.background, func(ctx context.Context, w *writer) error {
		err := inTransaction(ctx, w.conn, func() error {
			l, err := scanLetter(w.conn.QueryRowContext(ctx, letterColumns+" WHERE id = ?", id).Scan)
			if errors.Is(err, sql.ErrNoRows) {
				return ErrNoDeadLetter
			}
			if err == nil {
				_, err = w.exec(ctx, "DELETE FROM aimdb_dead_letter WHERE id = ?", id)
			}
			if err != nil {
				return err
			}
			return do(ctx, w, l)
		})
		return s.writeError(fmt.Sprintf("%s the dead letter %d", doing, id), err)
	})
}

// notStorable returns why a dead letter cannot be a row.
func (s *Store) notStorable(l history.DeadLetter) error {
	switch limit := s.options.maxValue; {
	case l.Sequence == 0:
		return fmt.Errorf("it is a damaged row, whose value is not what was written: %s", l.Reason)
	case len(l.Value) >= deadLimit:
		return fmt.Errorf("only the first %d bytes of the value were kept", deadLimit)
	case limit > 0 && len(l.Value) > limit:
		return tooLarge(sinks.Entry{Record: l.Record, Value: l.Value}, limit)
	}
	return nil
}

// storeLetter is part of the transaction that deletes a dead letter. It stores the value
// as an import does, and takes its loss out of the ledger.
func (w *writer) storeLetter(ctx context.Context, l history.DeadLetter) error {
	row := []sinks.Entry{{Record: l.Record, Time: l.Time, Value: l.Value, Shape: l.Shape}}
	at := []int64{0}
	if l.Event != nil {
		row[0].Timed, row[0].Event, at[0] = true, *l.Event, l.Time
	}
	if err := w.insert(ctx, row); err != nil {
		return err
	}
	fresh := rowCounts{}
	fresh.add(l.Record, 1, int64(len(l.Value)))
	last, err := w.countImported(ctx, fresh, map[string]int64{l.Record: l.Time}, 1)
	if err != nil {
		return err
	}
	if err := w.coverImported(ctx, last, []string{l.Record}, at, l.Time); err != nil {
		return err
	}
	if err := w.addSums(ctx, last, row, ""); err != nil {
		return err
	}
	if err := w.markShapes(ctx, last, row); err != nil {
		return err
	}
	_, err = w.exec(ctx, "DELETE FROM aimdb_loss WHERE id = (SELECT min(id) FROM aimdb_loss WHERE cause = ?1 AND record_name = ?2 AND from_seq = ?3 AND to_seq = ?3)",
		string(loss.SinkRefused), l.Record, int64(l.Sequence))
	return err
}
