package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"math"

	"github.com/aimdb-go/aimdb/history"
)

// cutoff says which rows of one record go: those with times below before, those
// with IDs below id, and those with times above future and IDs up to found.
// stored is set instead of before, future and found for a record with covered rows.
type cutoff struct {
	before, id, future, found int64
	stored                    *storedCutoff
}

func (c cutoff) selects(p history.Point) bool {
	return p.Time < c.before || p.ID < c.id || p.Time > c.future && p.ID <= c.found || c.stored.selects(p.ID)
}

// cutoffs are by record.
type cutoffs map[string]cutoff

func (c cutoffs) selects(record string, p history.Point) bool {
	one, limited := c[record]
	return limited && one.selects(p)
}

// cutoffs finds which rows a plan does not keep.
func (s *Store) cutoffs(ctx context.Context, plan history.PrunePlan, report *history.PruneReport) (cutoffs, error) {
	all := cutoffs{}
	report.Held = []history.HeldRecord{}
	for _, k := range plan.Keep {
		if k.Forever {
			continue
		}
		c := cutoff{before: math.MinInt64, future: plan.Future()}
		var err error
		if c.id, err = s.cutID(ctx, k); err == nil && k.Before != 0 {
			err = s.cutAge(ctx, plan, k, &c, report)
		}
		if err != nil {
			return nil, s.readError("find what to prune of "+k.Record, err)
		}
		if c.before > math.MinInt64 || c.id > 0 || c.stored != nil {
			all[k.Record] = c
		}
	}
	return all, nil
}

// cutAge applies the limit of age.
func (s *Store) cutAge(ctx context.Context, plan history.PrunePlan, k history.Keep, c *cutoff, report *history.PruneReport) error {
	if timed, err := s.isTimed(ctx, k.Record); err != nil || timed {
		if err != nil {
			return err
		}
		return s.cutStored(ctx, plan, k, c, report)
	}
	c.before = k.Before
	if sure := plan.Sure(k); plan.Trusted != 0 && sure < k.Before {
		only, rows, err := s.doubtful(ctx, k, sure, plan.Trusted)
		if err != nil {
			return err
		}
		if plan.Holds(only, rows) {
			report.Held = append(report.Held, history.HeldRecord{Record: k.Record, Rows: only})
			c.before = sure
		}
	}
	if s.version < steppedSince || plan.Now == 0 {
		return nil
	}
	ctx, cancel := s.reading(ctx)
	defer cancel()
	if err := s.readers.QueryRowContext(ctx, "SELECT coalesce(max(last_id), 0) FROM aimdb_sweep WHERE at < ?", c.before).Scan(&c.found); err != nil {
		return err
	}
	var stay int64
	err := s.readers.QueryRowContext(ctx, "SELECT count(*) FROM record_history WHERE record_name = ? AND stored_at > ? AND +id > ? AND +id >= ?", k.Record, c.future, c.found, c.id).Scan(&stay)
	report.Future += stay
	return err
}

// doubtful returns how many of the rows of a record from before a trusted time
// would go only because of the time after it.
func (s *Store) doubtful(ctx context.Context, k history.Keep, sure, trusted int64) (only, rows int64, err error) {
	err = s.readers.QueryRowContext(ctx, `SELECT count(iif(stored_at >= ?2 AND stored_at < ?3, 1, NULL)), count(*)
		FROM record_history WHERE record_name = ?1 AND stored_at <= ?4`, k.Record, sure, k.Before, trusted).Scan(&only, &rows)
	return only, rows, err
}

const (
	// idGroups is the number of spans of IDs that one look divides a span into.
	idGroups = 1024
	// groupText sums up spans of IDs of one record, the last first. It reads the
	// index alone unless bytes matter.
	groupText = `SELECT (id - ?2) / ?4, count(*), sum(iif(?5, octet_length(value_json), 0)) FROM record_history
		WHERE record_name = ?1 AND +id BETWEEN ?2 AND ?3 GROUP BY 1 ORDER BY 1 DESC`
)

// cutID returns the ID below which rows go because of the limits of rows and
// bytes; 0 is none. It narrows down the span of IDs in which the limits are
// reached, from the last row back.
func (s *Store) cutID(ctx context.Context, k history.Keep) (int64, error) {
	if k.MaxRows <= 0 && k.MaxBytes <= 0 {
		return 0, nil
	}
	if within, err := s.withinLimits(ctx, k); err != nil || within {
		return 0, err
	}
	to, err := s.maxID(ctx)
	if err != nil {
		return 0, err
	}
	var kept rowCount // of the rows above high
	for low, high := int64(1), to; ; {
		width := (high-low)/idGroups + 1
		group, err := s.fullGroup(ctx, k, low, high, width, &kept)
		if errors.Is(err, sql.ErrNoRows) {
			return 0, nil
		}
		if err != nil {
			return 0, err
		}
		low += group * width
		if width == 1 {
			return low + 1, nil
		}
		high = min(high, low+width-1)
	}
}

// fullGroup returns the last group of IDs in which the limits are reached, and
// adds the groups above it to kept.
func (s *Store) fullGroup(ctx context.Context, k history.Keep, low, high, width int64, kept *rowCount) (int64, error) {
	rows, err := s.readers.QueryContext(ctx, groupText, k.Record, low, high, width, k.MaxBytes > 0)
	if err != nil {
		return 0, err
	}
	defer rows.Close()
	for rows.Next() {
		var group int64
		var c rowCount
		if err := rows.Scan(&group, &c.rows, &c.bytes); err != nil {
			return 0, err
		}
		c.rows, c.bytes = c.rows+kept.rows, c.bytes+kept.bytes
		if !c.within(k) {
			return group, nil
		}
		*kept = c
	}
	return 0, errors.Join(rows.Err(), sql.ErrNoRows)
}

// withinLimits asks the counts, which answer at once for a record that has
// nothing to lose.
func (s *Store) withinLimits(ctx context.Context, k history.Keep) (bool, error) {
	if counted, err := s.isCounted(ctx); err != nil || !counted {
		return false, err
	}
	ctx, cancel := s.reading(ctx)
	defer cancel()
	var c rowCount
	err := s.readers.QueryRowContext(ctx, "SELECT coalesce(max(rows), 0), coalesce(max(bytes), 0) FROM aimdb_record WHERE name = ?", k.Record).Scan(&c.rows, &c.bytes)
	return c.within(k), err
}

func (c rowCount) within(k history.Keep) bool {
	return (k.MaxRows <= 0 || c.rows <= k.MaxRows) && (k.MaxBytes <= 0 || c.bytes <= k.MaxBytes)
}
