package postgres

import (
	"context"
	"math"
	"strings"

	"github.com/aimdb-go/aimdb/history"
)

// cutoff says which rows of one record go: those with times below before, those with IDs
// below id, and those with times above future and IDs up to found.
// The times of rows with times of their own are those of their writes.
type cutoff struct {
	before, id, future, found int64
	// timed says that the record may have such rows.
	timed bool
}

// text is a statement over the rows of the record.
func (c cutoff) text(text string) string {
	if c.timed {
		return strings.ReplaceAll(text, "FROM record_history", "FROM "+writtenRows)
	}
	return text
}

const (
	// cutRowsText and cutBytesText find the first row that stays, from the first one that
	// goes, so that they read only those. Count and rows are of one moment.
	cutRowsText = `SELECT id FROM record_history WHERE record_name = $1 ORDER BY id
		OFFSET (SELECT rows - $2 FROM aimdb_record WHERE record_name = $1) LIMIT 1`
	cutBytesText = `SELECT id FROM (SELECT id, sum(octet_length(value_json)) OVER (ORDER BY id) - octet_length(value_json) AS before
			FROM record_history WHERE record_name = $1) h
		WHERE before >= (SELECT bytes - $2 FROM aimdb_record WHERE record_name = $1) ORDER BY id LIMIT 1`
	overText = `SELECT $2 > 0 AND rows > $2, $3 > 0 AND bytes > $3, (SELECT next_id FROM aimdb_checkpoint) FROM aimdb_record WHERE record_name = $1`
	// doubtfulText counts the rows of a record from before a trusted time, and those of
	// them that would go only because of the time after it.
	doubtfulText = `SELECT count(*) FILTER (WHERE stored_at >= $2 AND stored_at < $3), count(*) FROM record_history h WHERE record_name = $1 AND stored_at <= $4`
	foundText    = "SELECT coalesce(max(last_id), 0) FROM aimdb_sweep WHERE at < $1"
	futureText   = "SELECT count(*) FROM record_history h WHERE record_name = $1 AND stored_at > $2 AND id > $3 AND id >= $4"
)

// cutoffs finds which rows a plan does not keep, by record.
func (w *sweep) cutoffs(ctx context.Context, plan history.PrunePlan, report *history.PruneReport) (map[string]cutoff, error) {
	all := map[string]cutoff{}
	report.Held = []history.HeldRecord{}
	for _, k := range plan.Keep {
		if k.Forever {
			continue
		}
		c := cutoff{before: math.MinInt64, future: plan.Future()}
		err := each(ctx, w.conn, timedText, []any{k.Record}, []any{&c.timed}, func() {})
		if err == nil {
			err = w.cutID(ctx, k, &c)
		}
		if err == nil && k.Before != 0 {
			err = w.cutAge(ctx, plan, k, &c, report)
		}
		if err != nil {
			return nil, w.store.explained("find what to prune of "+k.Record, err)
		}
		if c.before > math.MinInt64 || c.id > 0 {
			all[k.Record] = c
		}
	}
	return all, nil
}

// cutID applies the limits of rows and bytes.
func (w *sweep) cutID(ctx context.Context, k history.Keep, c *cutoff) error {
	if k.MaxRows <= 0 && k.MaxBytes <= 0 {
		return nil
	}
	var overRows, overBytes bool
	var next int64
	if err := each(ctx, w.conn, overText, []any{k.Record, k.MaxRows, k.MaxBytes}, []any{&overRows, &overBytes, &next}, func() {}); err != nil {
		return err
	}
	for _, limit := range []struct {
		over bool
		text string
		max  int64
	}{{overRows, cutRowsText, k.MaxRows}, {overBytes, cutBytesText, k.MaxBytes}} {
		if !limit.over {
			continue
		}
		id := next // if no row stays
		if err := each(ctx, w.conn, limit.text, []any{k.Record, limit.max}, []any{&id}, func() {}); err != nil {
			return err
		}
		c.id = max(c.id, id)
	}
	return nil
}

// cutAge applies the limit of age.
func (w *sweep) cutAge(ctx context.Context, plan history.PrunePlan, k history.Keep, c *cutoff, report *history.PruneReport) error {
	c.before = k.Before
	if sure := plan.Sure(k); plan.Trusted != 0 && sure < k.Before {
		var only, rows int64
		if err := each(ctx, w.conn, c.text(doubtfulText), []any{k.Record, sure, k.Before, plan.Trusted}, []any{&only, &rows}, func() {}); err != nil {
			return err
		}
		if plan.Holds(only, rows) {
			report.Held = append(report.Held, history.HeldRecord{Record: k.Record, Rows: only})
			c.before = sure
		}
	}
	if plan.Now == 0 {
		return nil
	}
	if err := each(ctx, w.conn, foundText, []any{c.before}, []any{&c.found}, func() {}); err != nil {
		return err
	}
	var stay int64
	err := each(ctx, w.conn, c.text(futureText), []any{k.Record, c.future, c.found, c.id}, []any{&stay}, func() {})
	report.Future += stay
	return err
}
