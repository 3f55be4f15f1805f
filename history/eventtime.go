package history

import "context"

// EventTimes says how many rows of a record are of values that have times of their own, and
// how many are not.
type EventTimes struct{ With, Without int64 }

// EventTimed is a history that keeps the own times of values, and beside them the times of
// their writes, by which rows are aged. Of values of a record that are stored together and
// were written within a minute, the last write may stand for all. By storing, such rows are
// ordered by ID.
type EventTimed interface {
	// HasEventTimes reports whether any row may have a time of its own.
	HasEventTimes(ctx context.Context) (bool, error)
	// EventTimes returns the numbers of rows of each record that has rows, of those named
	// if any are.
	EventTimes(ctx context.Context, records ...string) (map[string]EventTimes, error)
	// Retime gives all rows of a record their own times, which own returns for each row. It
	// returns false for a row that has none, which keeps the time of its write. A nil own
	// gives all rows the times of their writes back; of values that were written together
	// it may be the last one's. Rows are changed in transactions of bounded size, beside
	// writes and reads; a run that is interrupted can be run again. IDs stay.
	//
	// changed is called after each transaction with the rows that it has changed.
	Retime(ctx context.Context, record string, own func(Row) (ms int64, has bool), changed func(rows int)) error
}
