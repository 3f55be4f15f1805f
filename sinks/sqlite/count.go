package sqlite

import (
	"context"
)

// isCounted says whether the counts beside the history cover all rows, also
// those that were there before there were counts.
func (s *Store) isCounted(ctx context.Context) (bool, error) {
	to, err := metaInt(ctx, s.readers, "counted_to")
	if err != nil {
		return false, s.readError("read what is counted", err)
	}
	until, err := metaInt(ctx, s.readers, "count_until")
	return to >= until, s.readError("read what is counted", err)
}

// countOld counts the rows that were there before there were counts, piece by
// piece. The caller holds the sweep, so no row that is not counted yet can be
// deleted meanwhile.
func (s *Store) countOld(ctx context.Context) error {
	done, err := s.isCounted(ctx)
	if err != nil || done {
		return err
	}
	to, err := metaInt(ctx, s.readers, "counted_to")
	if err != nil {
		return s.readError("read what is counted", err)
	}
	until, err := metaInt(ctx, s.readers, "count_until")
	if err != nil {
		return s.readError("read what is counted", err)
	}
	every := func(string, point) bool { return true }
	for d, err := range s.byID(ctx, to+1, until, newPace(8192, 8192, 8192), every) {
		if err != nil {
			return err
		}
		if err := s.addCounted(ctx, d.tally, d.last.id); err != nil {
			return err
		}
	}
	return s.addCounted(ctx, nil, until)
}

func (s *Store) addCounted(ctx context.Context, t tally, to int64) error {
	found := tally{}
	for record, c := range t {
		found.add(record, -c.rows, -c.bytes) // byID counts downwards
	}
	return s.ask(ctx, s.patient, func(ctx context.Context, w *writer) error {
		return s.writeError("count the rows", inTransaction(ctx, w.conn, func() error {
			if err := w.count(ctx, found); err != nil {
				return err
			}
			return setMeta(ctx, w.conn, "counted_to", to)
		}))
	})
}
