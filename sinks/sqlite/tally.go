package sqlite

import (
	"context"
	"strings"

	"github.com/aimdb-go/aimdb/sinks"
)

// tally is how many rows and bytes of each record were added, or, when
// negative, deleted.
type tally map[string]*counts

type counts struct {
	rows, bytes int64
	// times is only known of rows that come from the log.
	times passage
}

func (t tally) add(record string, rows, bytes int64) *counts {
	c := t[record]
	if c == nil {
		c = &counts{}
		t[record] = c
	}
	c.rows += rows
	c.bytes += bytes
	return c
}

func countEntries(entries []sinks.Entry) tally {
	t := tally{}
	for _, e := range entries {
		t.add(e.Record, 1, int64(len(e.Value))).times.add(e.Time)
	}
	return t
}

// count adds a tally to the counts that are kept beside the history, in the
// transaction of the rows, and takes note of their times.
func (w *writer) count(ctx context.Context, t tally) error {
	args := make([]any, 0, 3*len(t))
	for record, c := range t {
		args = append(args, record, c.rows, c.bytes)
	}
	for _, size := range chunks {
		text := countText(size)
		for len(args) >= 3*size {
			if _, err := w.exec(ctx, text, args[:3*size]...); err != nil {
				return err
			}
			args = args[3*size:]
		}
	}
	return w.noteTurns(ctx, t)
}

func countText(records int) string {
	return "INSERT INTO aimdb_record(name, rows, bytes) VALUES (?,?,?)" + strings.Repeat(",(?,?,?)", records-1) +
		addCount
}
