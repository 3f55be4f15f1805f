package sqlite

import (
	"context"
	"database/sql"
	"math"

	"github.com/aimdb-go/aimdb/history"
	"github.com/aimdb-go/aimdb/loss"
)

// copySums copies the checksums and finds the greatest ID. A chunk has a checksum of its own,
// so that a sound one can be trusted.
func (c *salvager) copySums(ctx context.Context) error {
	last := int64(0)
	err := c.from.conn.QueryRowContext(ctx, "SELECT "+lastID).Scan(&last)
	if err = ifReadable(err); err != nil {
		return err
	}
	c.last = max(c.from.last, last)
	return inTransaction(ctx, c.into.conn, func() error {
		whole, err := c.walk(ctx, chunkText+" LIMIT ?3", 0, math.MaxInt64/4, func(rows *sql.Rows) (int64, error) {
			one, err := scanChunk(rows)
			if err != nil {
				return 0, err
			}
			if one.damaged {
				c.sumsLost = true
				return one.number, nil
			}
			c.refill = c.refill || one.from > 0
			c.last = max(c.last, one.first()+int64(len(one.sums)/sumBytes)-1)
			return one.number, c.into.writeChunks(ctx, one)
		})
		if !whole {
			c.sumsLost = true
			c.unread = append(c.unread, "aimdb_checksum")
		}
		return err
	})
}

// copyRows copies the rows chunk by chunk, each from a place of its own in the tree of the
// table, so that a damaged page hides no other.
func (c *salvager) copyRows(ctx context.Context) error {
	if c.refill = (c.refill || c.sumsLost) && c.from.checkpoint == (history.Position{}); c.refill {
		c.losses = append(c.losses, loss.Loss{Cause: loss.HistoryDamaged}) // what the log does not have
		_, err := c.into.exec(ctx, "DELETE FROM aimdb_checksum")
		return err
	}
	t, err := c.table(ctx, "record_history")
	if err != nil {
		return err
	}
	whole := true
	for at := int64(1); at <= c.last; {
		number, sound, err := c.nextChunk(ctx, t, at)
		if err != nil {
			return err
		}
		part := &chunk{number: number}
		if part.first() > c.last {
			break
		}
		from, to := max(at, part.first()), min(part.last(), c.last)
		err = inTransaction(ctx, c.into.conn, func() error {
			read, err := c.copyChunk(ctx, t, number, from, to)
			whole = whole && sound && read
			return err
		})
		if err != nil {
			return err
		}
		at = to + 1
	}
	if !whole || t.left > 0 {
		c.unread = append(c.unread, t.name)
	}
	return nil
}

// nextChunk returns the chunk of the next row or checksum from an ID on. sound says that
// nothing unreadable is before it.
func (c *salvager) nextChunk(ctx context.Context, t *salvagedTable, at int64) (number int64, sound bool, err error) {
	id, none := at, c.last+1
	err = c.from.conn.QueryRowContext(ctx, "SELECT coalesce(min(id), ?2) FROM record_history NOT INDEXED WHERE id >= ?1", at, none).Scan(&id)
	if sound = err == nil; !sound {
		if err = ifReadable(err); err != nil {
			return 0, false, err
		}
		if id, err = c.nextReadable(ctx, t.read, at, c.last); err != nil {
			return 0, false, err
		}
	}
	err = c.into.conn.QueryRowContext(ctx, "SELECT coalesce(min(chunk), ?2) FROM aimdb_checksum WHERE chunk >= ?1", chunkOf(at), chunkOf(c.last)+1).Scan(&number)
	return min(number, chunkOf(max(id, at))), sound, err
}

// copyChunk copies the rows of one chunk.
func (c *salvager) copyChunk(ctx context.Context, t *salvagedTable, number, from, to int64) (whole bool, err error) {
	sums, err := c.into.readChunk(ctx, number)
	if err != nil {
		return false, err
	}
	t.first = from
	whole, err = c.walk(ctx, t.read, from, to, func(rows *sql.Rows) (int64, error) {
		id, copied, err := t.take(ctx, c.into, rows)
		if copied {
			c.rows++
			if sums.get(id) == 0 {
				c.known++
			}
		}
		return id, err
	})
	for id := from; id <= to; id++ {
		if sums.get(id) != 0 {
			c.known++
		}
	}
	if err == nil && c.sumsLost {
		err = c.into.completeSums(ctx, number)
	}
	return whole, err
}
