package sqlite

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"
)

// errOthers is the error of a batch of which another process has deleted rows.
var errOthers = errors.New("another process deletes rows too")

// delete deletes rows and subtracts them from the counts, in one transaction. It
// returns what it has deleted. If other processes have deleted some of the rows
// since they were read, it looks at each row.
func (w *writer) delete(ctx context.Context, b *pruneBatch) (gone rowCounts, err error) {
	gone = b.counts
	err = inTransaction(ctx, w.conn, func() error {
		deleted, err := w.deleteRows(ctx, b)
		if err != nil {
			return err
		}
		if deleted != int64(len(b.ids)) {
			return errOthers
		}
		if err := errors.Join(w.dropSums(ctx, b.ids), w.uncover(ctx, b.ids)); err != nil {
			return err
		}
		return w.takeOff(ctx, b, gone)
	})
	if !errors.Is(err, errOthers) {
		return gone, err
	}
	err = inTransaction(ctx, w.conn, func() error {
		var ids []int64
		if gone, ids, err = w.deleteOneByOne(ctx, b.ids); err != nil {
			return err
		}
		if err := errors.Join(w.dropSums(ctx, ids), w.uncover(ctx, ids)); err != nil {
			return err
		}
		return w.takeOff(ctx, b, gone)
	})
	return gone, err
}

// takeOff subtracts deleted rows from the counts. Rows with IDs that this writer
// does not know may not be counted, so then all rows are to be counted again.
func (w *writer) takeOff(ctx context.Context, b *pruneBatch, gone rowCounts) error {
	if err := w.count(ctx, gone, -1); err != nil || slices.Max(b.ids) <= w.last {
		return err
	}
	return w.markRecountAll(ctx)
}

// longRun is the number of consecutive rows from which they are deleted as a
// range of IDs.
const longRun = 16

func (w *writer) deleteRows(ctx context.Context, b *pruneBatch) (deleted int64, err error) {
	var loose []any
	ids := b.ids
	for _, length := range b.runs {
		run := ids[:length]
		ids = ids[length:]
		if length < longRun {
			for _, id := range run {
				loose = append(loose, id)
			}
			continue
		}
		n, err := w.affected(ctx, "DELETE FROM record_history WHERE id BETWEEN ? AND ?", run[0], run[length-1])
		if err != nil {
			return deleted, err
		}
		deleted += n
	}
	for _, size := range chunks {
		text := "DELETE FROM record_history WHERE id IN (?" + strings.Repeat(",?", size-1) + ")"
		for len(loose) >= size {
			n, err := w.affected(ctx, text, loose[:size]...)
			if err != nil {
				return deleted, err
			}
			deleted, loose = deleted+n, loose[size:]
		}
	}
	return deleted, nil
}

func (w *writer) affected(ctx context.Context, text string, args ...any) (int64, error) {
	result, err := w.exec(ctx, text, args...)
	if err != nil {
		return 0, err
	}
	return result.RowsAffected()
}

// deleteOneByOne deletes the rows that still exist, and returns them and their IDs.
func (w *writer) deleteOneByOne(ctx context.Context, ids []int64) (gone rowCounts, deleted []int64, err error) {
	list, err := json.Marshal(ids)
	if err != nil {
		return nil, nil, err
	}
	rows, err := w.conn.QueryContext(ctx, "DELETE FROM record_history WHERE id IN (SELECT value FROM json_each(?)) RETURNING id, record_name, octet_length(value_json)", string(list))
	if err != nil {
		return nil, nil, err
	}
	defer rows.Close()
	gone = rowCounts{}
	for rows.Next() {
		var id, bytes int64
		var record string
		if err := rows.Scan(&id, &record, &bytes); err != nil {
			return nil, nil, err
		}
		deleted = append(deleted, id)
		gone.add(record, 1, bytes)
	}
	return gone, deleted, errors.Join(rows.Err(), rows.Close())
}
