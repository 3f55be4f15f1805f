package api

import "context"

// slots bounds the queries that run at once. It implements promql.QueryTracker.
type slots chan struct{}

// GetMaxConcurrent implements promql.QueryTracker.
func (s slots) GetMaxConcurrent() int { return cap(s) }

// Insert implements promql.QueryTracker. It waits for a free slot.
func (s slots) Insert(ctx context.Context, _ string) (int, error) {
	select {
	case s <- struct{}{}:
		return 0, nil
	case <-ctx.Done():
		return 0, ctx.Err()
	}
}

// Delete implements promql.QueryTracker.
func (s slots) Delete(int) { <-s }

// Close implements promql.QueryTracker.
func (s slots) Close() error { return nil }
