package postgres

import (
	"context"
	"math"

	"github.com/aimdb-go/aimdb/history"
)

// Rows of a record whose values have times of their own have that time as stored_at, and
// when they were written as written_at. A row without a written_at was written at stored_at.

const (
	timedText = "SELECT timed FROM aimdb_record WHERE record_name = $1"
	// writtenRows stands for record_history with the times of the writes as stored_at. Both
	// parts have an index in the order of these times.
	writtenRows = `(SELECT id, record_name, value_json, written_at AS stored_at FROM record_history WHERE written_at IS NOT NULL
		UNION ALL SELECT id, record_name, value_json, stored_at FROM record_history WHERE written_at IS NULL)`

	writtenColumns = "SELECT id, stored_at, value_json, " + shapeText + ", coalesce(written_at, 0), coalesce(written_at, stored_at) FROM record_history WHERE record_name = $1 "
	// The rows that the log has delivered come by ID, those that were imported and those of
	// other programs by the times of their writes.
	deliveredText = writtenColumns + "AND written_at IS NOT NULL AND imported IS NULL AND id < $3 AND $2 > 0::bigint ORDER BY id DESC LIMIT $4"
	besideText    = writtenColumns + "AND written_at IS NOT NULL AND imported AND (written_at, id) < ($2, $3) ORDER BY written_at DESC, id DESC LIMIT $4"
	othersText    = writtenColumns + "AND written_at IS NULL AND (stored_at, id) < ($2, $3) ORDER BY stored_at DESC, id DESC LIMIT $4"
)

// yieldWritten yields the rows of one record that were stored last, of a record that may
// have rows with times of their own, and returns whether the caller wants more.
func (s *Store) yieldWritten(ctx context.Context, record string, left, limit int, yield func(history.Row, error) bool) bool {
	for _, text := range []string{deliveredText, besideText, othersText} {
		before := history.Point{Time: math.MaxInt64, ID: math.MaxInt64}
		for left > 0 {
			wanted := min(left, limit)
			page, row := []history.Row{}, history.Row{Record: record}
			err := s.read(ctx, "read rows of "+record, text, []any{record, before.Time, before.ID, wanted},
				[]any{&row.ID, &row.Time, (*[]byte)(&row.Value), &row.Shape, &row.Stored, &before.Time}, func() { page = append(page, row) })
			if err != nil {
				yield(history.Row{}, err)
				return false
			}
			for _, row := range page {
				if !yield(row, nil) {
					return false
				}
			}
			if left -= len(page); len(page) < wanted {
				break
			}
			before.ID = page[len(page)-1].ID
		}
	}
	return true
}

var _ history.EventTimed = (*Store)(nil)

// HasEventTimes implements history.EventTimed.
func (s *Store) HasEventTimes(ctx context.Context) (some bool, err error) {
	err = s.read(ctx, "read whether there are event times", "SELECT EXISTS (SELECT FROM aimdb_record WHERE timed AND rows > 0)", nil, []any{&some}, func() {})
	return some, err
}

// EventTimes implements history.EventTimed. It counts in the index of the times of writes.
func (s *Store) EventTimes(ctx context.Context, records ...string) (map[string]history.EventTimes, error) {
	text := `SELECT record_name, rows, CASE WHEN timed THEN
		(SELECT count(*) FROM record_history h WHERE h.record_name = r.record_name AND written_at IS NOT NULL) ELSE 0 END
		FROM aimdb_record r WHERE rows > 0`
	var args []any
	if len(records) > 0 {
		text, args = text+" AND record_name = ANY($1)", []any{records}
	}
	if err := s.counted(ctx); err != nil {
		return nil, err
	}
	all, name, rows, n := map[string]history.EventTimes{}, "", int64(0), history.EventTimes{}
	err := s.read(ctx, "count the rows with event times", text, args, []any{&name, &rows, &n.With}, func() {
		n.Without = max(rows-n.With, 0)
		all[name] = n
	})
	return all, err
}

// counted counts all rows if other programs have changed some, which waits for a sweep.
func (s *Store) counted(ctx context.Context) error {
	mark := ""
	if err := s.read(ctx, "read whether the rows are counted", markText, nil, []any{&mark}, func() {}); err != nil || mark == "" {
		return err
	}
	return s.withSweep(ctx, func(*sweep) error { return nil }) // which begins with that
}
