package aimdb

import (
	"log/slog"
	"sync/atomic"

	"github.com/aimdb-go/aimdb/history"
)

// undecoded counts the rows that queries had to leave out.
type undecoded struct{ count atomic.Uint64 }

func (u *undecoded) add(l *slog.Logger, row history.Row, err error) {
	u.count.Add(1)
	l.Warn("a stored row does not decode and is left out of the answer",
		"record", row.Record, "row", row.ID, "error", err)
}
