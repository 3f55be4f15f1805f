package sqlite

import (
	"context"
	"encoding/json"
	"errors"
)

// errOthers says that somebody else has deleted some of the rows first.
var errOthers = errors.New("somebody else deletes rows too")

// deleteCounted deletes rows and takes them off the counts, in one transaction.
// It returns what was deleted, as negative numbers. What was read before may
// have changed: others delete too, and may have added rows that nobody has
// counted. Only then each row is looked at once more.
func (w *writer) deleteCounted(ctx context.Context, d *doomed) (gone tally, err error) {
	gone = d.tally
	err = inTransaction(ctx, w.conn, func() error {
		c, err := w.counting(ctx)
		if err != nil {
			return err
		}
		if !c.hasAll(d.ids) {
			return errOthers
		}
		deleted, err := w.deleteRows(ctx, d)
		if err == nil && deleted != int64(len(d.ids)) {
			err = errOthers
		}
		if err != nil {
			return err
		}
		return w.count(ctx, d.tally)
	})
	if errors.Is(err, errOthers) {
		err = inTransaction(ctx, w.conn, func() (err error) {
			gone, err = w.deleteOneByOne(ctx, d.ids)
			return err
		})
	}
	return gone, err
}

func (c counting) hasAll(ids []int64) bool {
	for _, id := range ids {
		if !c.has(id) {
			return false
		}
	}
	return true
}

// deleteOneByOne takes off the counts what it has really deleted, and of that
// only what was counted.
func (w *writer) deleteOneByOne(ctx context.Context, ids []int64) (gone tally, err error) {
	c, err := w.counting(ctx)
	if err != nil {
		return nil, err
	}
	list, err := json.Marshal(ids)
	if err != nil {
		return nil, err
	}
	rows, err := w.conn.QueryContext(ctx, "DELETE FROM record_history WHERE id IN (SELECT value FROM json_each(?)) RETURNING id, record_name, octet_length(value_json)", string(list))
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	gone = tally{}
	counted := tally{}
	for rows.Next() {
		var id, bytes int64
		var record string
		if err := rows.Scan(&id, &record, &bytes); err != nil {
			return nil, err
		}
		gone.add(record, -1, -bytes)
		if c.has(id) {
			counted.add(record, -1, -bytes)
		}
	}
	if err := errors.Join(rows.Err(), rows.Close()); err != nil {
		return nil, err
	}
	return gone, w.count(ctx, counted)
}
