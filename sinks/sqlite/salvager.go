package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"math"
	"slices"

	"github.com/aimdb-go/aimdb/history"
	"github.com/aimdb-go/aimdb/loss"
)

// salvager copies what can be read of a damaged file into a new one. The checkpoint and the
// identity are those that the store has used since it was opened, when a checksum has proven
// the checkpoint. Rows are copied as they are; the ordinary repair compares them with their
// checksums and restores those that are not there.
type salvager struct {
	from, into *writer
	identity   string
	now        int64
	// last is the greatest ID that a row can have.
	last int64
	// sumsLost says that some checksums cannot be read; rows without one are accepted.
	sumsLost bool
	// refill says that there are rows of a log but no checkpoint. The log is read from its
	// beginning then, and fills a file without rows.
	refill bool
	// rows is the number of rows that were copied, and known that of the rows that were
	// copied or have a checksum.
	rows, known int64
	// unread are the tables of which something cannot be read.
	unread []string
	losses []loss.Loss
}

// lost returns how many rows are lost for sure that no checksum names.
func (c *salvager) lost() (n int64) {
	for _, l := range c.losses {
		n += int64(l.Count)
	}
	return n
}

func (c *salvager) copy(ctx context.Context) error {
	// It is synced before it takes the place of the old one.
	if _, err := c.into.conn.ExecContext(ctx, "PRAGMA synchronous = OFF"); err != nil {
		return err
	}
	for _, step := range []func(context.Context) error{c.copySums, c.copyRows, c.copyNotes, c.finish} {
		if err := step(ctx); err != nil {
			return err
		}
	}
	return nil
}

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
	if c.refill = c.refill && c.from.checkpoint == (history.Position{}); c.refill {
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

// copyNotes copies the other tables, row by row.
func (c *salvager) copyNotes(ctx context.Context) error {
	return inTransaction(ctx, c.into.conn, func() error {
		for _, name := range []string{"aimdb_loss", "aimdb_dead_letter", "aimdb_hole", "aimdb_sweep", "aimdb_record", "aimdb_meta"} {
			t, err := c.table(ctx, name)
			if err != nil {
				return err
			}
			whole, err := c.copyTable(ctx, t)
			if err != nil {
				return err
			}
			if whole && t.left == 0 {
				continue
			}
			c.unread = append(c.unread, name)
			if name == "aimdb_loss" || name == "aimdb_hole" {
				c.losses = append(c.losses, loss.Loss{Cause: loss.HistoryDamaged}) // what they had is not known
			}
		}
		return nil
	})
}

// finish stores what the new file needs to go on where the old one has ended.
func (c *salvager) finish(ctx context.Context) error {
	if err := c.countUnknown(ctx); err != nil {
		return err
	}
	return inTransaction(ctx, c.into.conn, func() error {
		_, err := c.into.exec(ctx, "DELETE FROM sqlite_sequence WHERE name = 'record_history'")
		if err == nil {
			_, err = c.into.exec(ctx, "INSERT INTO sqlite_sequence(name, seq) VALUES ('record_history', ?)", c.last)
		}
		if err == nil && c.identity != "" {
			err = setMeta(ctx, c.into.conn, "identity", c.identity)
		}
		if err == nil && c.from.checkpoint != (history.Position{}) {
			err = c.into.setCheckpoint(ctx, c.from.checkpoint)
		}
		if err != nil {
			return err
		}
		return errors.Join(c.into.keepLosses(ctx, c.losses, c.now), c.into.markRecountAll(ctx))
	})
}

// countUnknown notes rows that are lost and that no checksum names. Their number is known if
// the counts of the records are.
func (c *salvager) countUnknown(ctx context.Context) error {
	counted, kept := false, int64(0)
	err := c.from.conn.QueryRowContext(ctx, isCounted).Scan(&counted)
	if err = ifReadable(err); err != nil {
		return err
	}
	if err := c.into.conn.QueryRowContext(ctx, "SELECT coalesce(sum(rows), 0) FROM aimdb_record").Scan(&kept); err != nil {
		return err
	}
	counted = counted && !slices.Contains(c.unread, "aimdb_record")
	switch {
	case c.refill: // the log has them, or copyRows has noted it
	case counted && kept > c.known:
		c.losses = append(c.losses, loss.Loss{Cause: loss.HistoryDamaged, Count: uint64(kept - c.known)})
	case !counted && slices.Contains(c.unread, "record_history"):
		c.losses = append(c.losses, loss.Loss{Cause: loss.HistoryDamaged})
	}
	return nil
}

// ifReadable returns an error unless it says that something is damaged.
func ifReadable(err error) error {
	if errors.Is(corruptError(err), ErrCorrupt) {
		return nil
	}
	return err
}
