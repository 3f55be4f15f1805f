package sqlite

import (
	"context"
	"iter"
	"math"
	"slices"

	"github.com/aimdb-go/aimdb/history"
)

// storedCutoff says which covered rows of a record are too old: those that were written
// before a time, and those that were written after future and have IDs up to found.
type storedCutoff struct {
	before, future, found int64
	// gone are the spans of IDs of these rows, in order.
	gone []idSpan
	// others says that the record also has rows that are not covered. They go by their times.
	others bool
}

// idSpan are IDs, both ends included.
type idSpan struct{ first, last int64 }

// selects reports whether a covered row is too old.
func (c *storedCutoff) selects(id int64) bool {
	if c == nil {
		return false
	}
	i, _ := slices.BinarySearchFunc(c.gone, id, func(s idSpan, id int64) int {
		if s.last < id {
			return -1
		}
		return 1
	})
	return i < len(c.gone) && c.gone[i].first <= id
}

// tooOld is the condition that an entry s is too old: ?2 is before, ?3 future and ?4 found.
const tooOld = "(s.at < ?2 OR s.at > ?3 AND s.first_id <= ?4)"

// cutStored applies the limit of age to a record with covered rows, by when they were written.
func (s *Store) cutStored(ctx context.Context, plan history.PrunePlan, k history.Keep, c *cutoff, report *history.PruneReport) error {
	stored := &storedCutoff{before: k.Before, future: plan.Future()}
	if sure := plan.Sure(k); plan.Trusted != 0 && sure < k.Before {
		only, rows, err := s.doubtfulStored(ctx, k, sure, plan.Trusted)
		if err != nil {
			return err
		}
		if plan.Holds(only, rows) {
			report.Held = append(report.Held, history.HeldRecord{Record: k.Record, Rows: only})
			stored.before = sure
		}
	}
	ctx, cancel := s.reading(ctx)
	defer cancel()
	if plan.Now != 0 {
		if err := s.readers.QueryRowContext(ctx, "SELECT coalesce(max(last_id), 0) FROM aimdb_sweep WHERE at < ?", stored.before).Scan(&stored.found); err != nil {
			return err
		}
		var stay int64
		err := s.readers.QueryRowContext(ctx, `SELECT coalesce(sum(last_id - max(first_id, ?3) + 1), 0) FROM aimdb_stored
			WHERE record_name = ?1 AND at > ?2 AND last_id >= ?3`, k.Record, stored.future, max(stored.found+1, c.id)).Scan(&stay)
		if err != nil {
			return err
		}
		report.Future += stay
	}
	var err error
	if stored.others, err = s.hasOthers(ctx, k.Record); err != nil {
		return err
	}
	stored.gone, err = s.goneSpans(ctx, k.Record, stored)
	c.stored = stored
	return err
}

// goneSpans reads the spans of covered rows that are too old.
func (s *Store) goneSpans(ctx context.Context, record string, c *storedCutoff) (gone []idSpan, err error) {
	rows, err := s.readers.QueryContext(ctx, "SELECT s.first_id, iif(s.at < ?2, s.last_id, min(s.last_id, ?4)) FROM aimdb_stored s WHERE s.record_name = ?1 AND "+tooOld+" ORDER BY s.first_id",
		record, c.before, c.future, c.found)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var one idSpan
		if err := rows.Scan(&one.first, &one.last); err != nil {
			return nil, err
		}
		if n := len(gone); n > 0 && gone[n-1].last+1 == one.first {
			gone[n-1].last = one.last
		} else {
			gone = append(gone, one)
		}
	}
	return gone, rows.Err()
}

// doubtfulStored returns what doubtful does, for a record with covered rows.
func (s *Store) doubtfulStored(ctx context.Context, k history.Keep, sure, trusted int64) (only, rows int64, err error) {
	ctx, cancel := s.reading(ctx)
	defer cancel()
	err = s.readers.QueryRowContext(ctx, `SELECT coalesce(sum(iif(at >= ?2 AND at < ?3, last_id - first_id + 1, 0)), 0), coalesce(sum(last_id - first_id + 1), 0)
		FROM aimdb_stored WHERE record_name = ?1 AND at <= ?4`, k.Record, sure, k.Before, trusted).Scan(&only, &rows)
	if err != nil {
		return 0, 0, err
	}
	if some, err := s.hasOthers(ctx, k.Record); err != nil || !some {
		return only, rows, err
	}
	var alone, others int64
	err = s.readers.QueryRowContext(ctx, `SELECT count(iif(stored_at >= ?2 AND stored_at < ?3, 1, NULL)), count(*)
		FROM record_history WHERE record_name = ?1 AND stored_at <= ?4 AND `+uncovered, k.Record, sure, k.Before, trusted).Scan(&alone, &others)
	return only + alone, rows + others, err
}

// byStoring yields the rows of a record that are too old by when they were written.
func (s *Store) byStoring(ctx context.Context, record string, c cutoff, size *stepSize) iter.Seq2[*pruneBatch, error] {
	return func(yield func(*pruneBatch, error) bool) {
		at := c.stored
		if at == nil {
			return
		}
		for _, imported := range []int{0, 1} {
			for after, more := int64(math.MinInt64), true; more; {
				limit := size.rows()
				b, err := s.readBatch(ctx, record, `SELECT h.id, h.stored_at, octet_length(h.value_json) FROM aimdb_stored s CROSS JOIN record_history h ON h.id BETWEEN s.first_id AND s.last_id
					WHERE s.record_name = ?1 AND `+tooOld+` AND (s.at < ?2 OR h.id <= ?4) AND s.imported = ?5 AND h.record_name = ?1 AND h.id >= ?7 AND h.id > ?6
					AND s.first_id >= coalesce((SELECT max(first_id) FROM aimdb_stored WHERE record_name = ?1 AND imported = ?5 AND first_id <= ?6), ?6)
					ORDER BY s.first_id, h.id LIMIT ?8`, record, at.before, at.future, at.found, imported, after, c.id, limit)
				if err != nil {
					yield(nil, s.readError("read the rows to prune of "+record, err))
					return
				}
				if b.seen > 0 && !yield(b, nil) {
					return
				}
				after, more = b.last.ID, b.seen == limit
			}
		}
		span := timeSpan{math.MinInt64, at.before - 1, c.id, math.MaxInt64}
		for after, more := firstPoint, at.others; more; {
			limit := size.rows()
			b, err := s.readByRecord(ctx, record, uncovered, after, span, limit)
			if err != nil {
				yield(nil, s.readError("read the rows to prune of "+record, err))
				return
			}
			if b.seen > 0 && !yield(b, nil) {
				return
			}
			after, more = b.last, b.seen == limit
		}
	}
}

// hasOthers reports whether a record with covered rows has rows that are not covered.
func (s *Store) hasOthers(ctx context.Context, record string) (others bool, err error) {
	text := `SELECT (SELECT coalesce(max(rows), 0) FROM aimdb_record WHERE name = ?1) > coalesce((SELECT sum(last_id - first_id + 1) FROM aimdb_stored WHERE record_name = ?1), 0)`
	if counted, err := s.isCounted(ctx); err != nil || !counted {
		if err != nil {
			return false, err
		}
		text = "SELECT EXISTS (SELECT 1 FROM record_history WHERE record_name = ?1 AND " + uncovered + ")"
	}
	ctx, cancel := s.reading(ctx)
	defer cancel()
	err = s.readers.QueryRowContext(ctx, text, record).Scan(&others)
	return others, err
}
