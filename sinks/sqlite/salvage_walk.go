package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"strings"
)

// walk reads the rows between two keys, both included, as far as they can be read. Its
// statement takes the first key, the last one and a limit. whole says that all of it can.
func (c *salvager) walk(ctx context.Context, text string, from, to int64, take func(*sql.Rows) (int64, error)) (whole bool, err error) {
	for whole = true; from <= to; whole = false {
		next, err := c.readRows(ctx, take, from, text, from, to, -1)
		if err == nil {
			return whole, nil
		}
		if !errors.Is(corruptError(err), ErrCorrupt) {
			return false, err
		}
		if from, err = c.nextReadable(ctx, text, next, to); err != nil {
			return false, err
		}
	}
	return whole, nil
}

// walkText reads a table whose key is a text from both ends, as far as it can be read.
func (c *salvager) walkText(ctx context.Context, t *salvagedTable, take func(*sql.Rows) (int64, error)) (whole bool, err error) {
	text := "SELECT " + strings.Join(t.columns, ", ") + " FROM " + t.name + " ORDER BY " + t.columns[0]
	for _, order := range []string{"", " DESC"} {
		_, err := c.readRows(ctx, take, 0, text+order)
		if err == nil {
			return order == "", nil
		}
		if err = ifReadable(err); err != nil {
			return false, err
		}
	}
	return false, nil
}

// readRows passes rows to take until one cannot be read. It returns the key after the last
// one.
func (c *salvager) readRows(ctx context.Context, take func(*sql.Rows) (int64, error), next int64, text string, args ...any) (int64, error) {
	rows, err := c.from.conn.QueryContext(ctx, text, args...)
	if err != nil {
		return next, err
	}
	defer rows.Close()
	for rows.Next() {
		key, err := take(rows)
		if err != nil {
			return next, err
		}
		next = max(next, key+1)
	}
	return next, rows.Err()
}

// nextReadable returns a key after one that cannot be read, from which on reading goes on, and
// to+1 if there is none up to another. It doubles its step until a row can be read, and then
// looks for the first one from there. A page that is damaged costs a few reads, however many
// keys it may have.
func (c *salvager) nextReadable(ctx context.Context, text string, bad, to int64) (int64, error) {
	good := to + 1
	for step := int64(1); bad <= to-step; step *= 2 {
		readable, err := c.readable(ctx, text, bad+step, to)
		if err != nil {
			return 0, err
		}
		if readable {
			good = bad + step
			break
		}
		bad += step
	}
	for good <= to && good-bad > 1 {
		middle := bad + (good-bad)/2
		readable, err := c.readable(ctx, text, middle, to)
		if err != nil {
			return 0, err
		}
		if readable {
			good = middle
		} else {
			bad = middle
		}
	}
	return good, nil
}

// readable reports whether the first row from a key on can be read.
func (c *salvager) readable(ctx context.Context, text string, from, to int64) (bool, error) {
	_, err := c.readRows(ctx, func(*sql.Rows) (int64, error) { return 0, nil }, 0, text, from, to, 1)
	if err == nil {
		return true, nil
	}
	return false, ifReadable(err)
}
