package postgres

import (
	"context"
	"errors"

	"github.com/aimdb-go/aimdb/history"
)

// Preview implements history.Pruner. What the limit of the whole history takes is
// estimated from the average size of a row.
func (s *Store) Preview(ctx context.Context, plan history.PrunePlan) (report history.PruneReport, err error) {
	conn, err := s.connectionOfItsOwn(ctx)
	if err != nil {
		return report, err
	}
	defer func() { err = errors.Join(err, s.explained("end a preview", closeConn(ctx, conn))) }()
	w := &sweep{store: s, conn: conn, gone: map[string]rowCount{}}
	defer w.fill(&report)
	cut, err := w.cutoffs(ctx, plan, &report)
	if err != nil {
		return report, err
	}
	if err := w.countAll(ctx, cut); err != nil || plan.MaxBytes <= 0 {
		return report, err
	}
	report.OverBytes, err = w.previewWhole(ctx, plan, cut)
	return report, err
}

// previewWhole adds what the limit of the whole history takes, and returns by how many
// bytes the history would still be above it.
func (w *sweep) previewWhole(ctx context.Context, plan history.PrunePlan, cut map[string]cutoff) (over int64, err error) {
	size, err := readSize(ctx, w.conn)
	if err != nil {
		return 0, w.store.explained("read the size of the history", err)
	}
	wanted := size.rowsFor(size.used() - plan.MaxBytes) // rows in all
	if wanted <= w.rows() {
		return 0, nil
	}
	whole, err := w.wholeCutoffs(ctx, plan, wanted)
	if err != nil {
		return 0, err
	}
	for record, c := range whole {
		if have, limited := cut[record]; limited {
			have.id = max(have.id, c.id)
			c = have
		}
		cut[record] = c
	}
	clear(w.gone)
	if err := w.countAll(ctx, cut); err != nil {
		return 0, err
	}
	return int64(max(0, float64(wanted-w.rows())*size.each())), nil
}

func (w *sweep) rows() (n int64) {
	for _, c := range w.gone {
		n += c.rows
	}
	return n
}

const countText = `SELECT count(*), coalesce(sum(octet_length(value_json)), 0)::bigint FROM (
	SELECT value_json FROM record_history h WHERE record_name = $1 AND stored_at < $2
	UNION ALL SELECT value_json FROM record_history h WHERE record_name = $1 AND id < $3 AND stored_at >= $2
	UNION ALL SELECT value_json FROM record_history h WHERE record_name = $1 AND stored_at > $4 AND stored_at >= $2 AND id <= $5 AND id >= $3) h`

// countAll counts the rows that cutoffs select.
func (w *sweep) countAll(ctx context.Context, cut map[string]cutoff) error {
	for record, c := range cut {
		var gone rowCount
		if err := each(ctx, w.conn, c.text(countText), []any{record, c.before, c.id, c.future, c.found}, []any{&gone.rows, &gone.bytes}, func() {}); err != nil {
			return w.store.explained("count what to prune of "+record, err)
		}
		w.took(record, gone)
	}
	return nil
}
