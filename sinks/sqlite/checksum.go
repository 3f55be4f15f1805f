package sqlite

import (
	"context"
	"slices"

	"github.com/aimdb-go/aimdb/sinks"
)

// The table aimdb_checksum has a checksum of each row that this program has stored, so
// that a row that vanishes or changes is noticed. The rows of chunkRows consecutive IDs
// share one row of it. It is written and pruned in the transactions that store and
// prune the rows. A chunk also has the range of the log that its rows came from, where
// a damaged row can be found again by its checksum.

const (
	// chunkRows is the number of IDs of a chunk. Two full chunks fit into one page.
	chunkRows = 480
	// sumBytes is the size of the checksum of one row.
	sumBytes = 4
)

// readChunk returns a chunk, an empty one if there is none.
func (w *writer) readChunk(ctx context.Context, number int64) (*chunk, error) {
	statement, err := w.prepared(ctx, chunkText)
	if err != nil {
		return nil, err
	}
	rows, err := statement.QueryContext(ctx, number, number)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	if !rows.Next() {
		return &chunk{number: number}, rows.Err()
	}
	return scanChunk(rows)
}

// writeChunks is part of the transaction that changes the rows of chunks.
func (w *writer) writeChunks(ctx context.Context, changed ...*chunk) error {
	args := make([]any, 0, len(changed)*w.setChunks.columns)
	for _, c := range changed {
		if c.trim(); len(c.sums) == 0 && !c.damaged {
			if _, err := w.exec(ctx, deleteChunks, c.number, c.number); err != nil {
				return err
			}
			continue
		}
		args = append(args, c.number, c.sums, c.log, int64(c.from), int64(c.to), c.checksum())
	}
	return w.execChunks(ctx, &w.setChunks, args)
}

const (
	setChunks    = "INSERT OR REPLACE INTO aimdb_checksum(chunk, sums, log, from_seq, to_seq, sum) VALUES "
	deleteChunks = "DELETE FROM aimdb_checksum WHERE chunk BETWEEN ? AND ?"
)

// addSums is part of the transaction that has just stored entries with consecutive IDs.
// log is empty for entries that came from none.
func (w *writer) addSums(ctx context.Context, firstID int64, entries []sinks.Entry, log string) error {
	var touched []*chunk
	for len(entries) > 0 {
		c := &chunk{number: chunkOf(firstID)}
		if firstID > c.first() { // otherwise there is none, as IDs are not used twice
			var err error
			if c, err = w.readChunk(ctx, c.number); err != nil {
				return err
			}
		}
		n := min(len(entries), int(c.last()-firstID)+1)
		c.sums = slices.Grow(c.sums, n*sumBytes)
		for i, e := range entries[:n] {
			var sum uint32
			w.summed, sum = rowSum(w.summed, e.Record, e.RowTime(), e.Value)
			c.set(firstID+int64(i), sum)
			if log != "" {
				c.extend(log, e.Sequence)
			}
		}
		touched = append(touched, c)
		entries, firstID = entries[n:], firstID+int64(n)
	}
	return w.writeChunks(ctx, touched...)
}

// dropSums is part of the transaction that has just deleted rows on purpose.
func (w *writer) dropSums(ctx context.Context, ids []int64) error {
	if !slices.IsSorted(ids) {
		ids = slices.Sorted(slices.Values(ids))
	}
	whole := [2]int64{0, -1} // a range of chunks of which every row was deleted
	deleteWhole := func() error {
		if whole[0] > whole[1] {
			return nil
		}
		_, err := w.exec(ctx, deleteChunks, whole[0], whole[1])
		return err
	}
	for len(ids) > 0 {
		number := chunkOf(ids[0])
		n, _ := slices.BinarySearch(ids, (number+1)*chunkRows+1)
		part := ids[:n]
		ids = ids[n:]
		if n < chunkRows {
			if err := w.zeroSums(ctx, number, part); err != nil {
				return err
			}
			continue
		}
		if number != whole[1]+1 {
			if err := deleteWhole(); err != nil {
				return err
			}
			whole[0] = number
		}
		whole[1] = number
	}
	return deleteWhole()
}

func (w *writer) zeroSums(ctx context.Context, number int64, ids []int64) error {
	c, err := w.readChunk(ctx, number)
	if err != nil {
		return err
	}
	changed := false
	for _, id := range ids {
		if c.get(id) != 0 {
			c.set(id, 0)
			changed = true
		}
	}
	if !changed {
		return nil
	}
	return w.writeChunks(ctx, c)
}
