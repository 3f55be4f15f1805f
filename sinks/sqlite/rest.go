package sqlite

import (
	"context"
	"log/slog"
	"time"
)

// restAfter is how long a connection without work keeps its cache. A full one takes twice
// its size, since a page and its header take two pages of the allocator.
const restAfter = time.Minute

// rest gives back the memory of the writing connection once it has had no work for
// restAfter.
func (w *writer) rest(ctx context.Context, logger *slog.Logger) {
	if w.worked.IsZero() || time.Since(w.worked) < restAfter {
		return
	}
	w.worked = time.Time{}
	if _, err := w.conn.ExecContext(ctx, "PRAGMA shrink_memory"); err != nil && ctx.Err() == nil {
		logger.Warn("sqlite: the memory of an idle connection is not given back", "error", err)
	}
}
