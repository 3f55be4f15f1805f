package sqlite

import (
	"context"
	"errors"
	"slices"

	lib "modernc.org/sqlite/lib"

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
	// refill says that there are or may be rows of a log but no checkpoint. The log is read from its
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

// copyNotes copies the other tables, row by row.
func (c *salvager) copyNotes(ctx context.Context) error {
	return inTransaction(ctx, c.into.conn, func() error {
		for _, name := range []string{"aimdb_loss", "aimdb_dead_letter", "aimdb_hole", "aimdb_shape", "aimdb_sweep", "aimdb_stored", "aimdb_record", "aimdb_meta"} {
			if name == "aimdb_stored" && c.refill {
				continue // the rows come again from the log, with other IDs
			}
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
			if name == "aimdb_stored" { // rows that are not covered would be pruned by their own times
				if _, err := c.into.exec(ctx, coverRest, c.now); err != nil {
					return err
				}
			}
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
		return errors.Join(c.into.keepLosses(ctx, c.losses, c.now), c.into.markRecount(ctx, c.last))
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
	kept = min(kept, c.last) // damage can make a store count rows twice
	switch {
	case c.refill: // the log has them, or copyRows has noted it
	case counted && kept > c.known:
		c.losses = append(c.losses, loss.Loss{Cause: loss.HistoryDamaged, Count: uint64(kept - c.known)})
	case !counted && slices.Contains(c.unread, "record_history"):
		c.losses = append(c.losses, loss.Loss{Cause: loss.HistoryDamaged})
	}
	return nil
}

// ifReadable returns an error unless it says that something is damaged. No text that this
// program writes is too large to be read.
func ifReadable(err error) error {
	if code(err) == lib.SQLITE_TOOBIG || errors.Is(corruptError(err), ErrCorrupt) {
		return nil
	}
	return err
}
