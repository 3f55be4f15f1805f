package sqlite_test

import (
	"context"
	"testing"
	"time"
)

// TestStatsDoNotWaitForASweep: who asks while one runs gets the answer now.
func TestStatsDoNotWaitForASweep(t *testing.T) {
	s := start(t, file(t))
	write(t, s, batch(1, numbered(50)...))
	defer s.HoldSweep(t)()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	if stats, err := s.Stats(ctx); err != nil || stats.Rows != 50 {
		t.Errorf("%d rows, %v", stats.Rows, err)
	}
}
