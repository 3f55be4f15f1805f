package aimdb

import (
	"errors"
	"fmt"

	"github.com/aimdb-go/aimdb/bus"
	"github.com/aimdb-go/aimdb/bus/cluster"
	"github.com/aimdb-go/aimdb/history"
	"github.com/aimdb-go/aimdb/key"
	"github.com/aimdb-go/aimdb/records"
)

// The errors that a caller can match with errors.Is.
var (
	// ErrClosed is the error of every call on a database that is closed.
	ErrClosed = records.ErrClosed
	// ErrRan is the error of Run on a database that runs, has run or is closed.
	ErrRan = errors.New("aimdb: a database runs once; open another one with New")
	// ErrNoHistory is the error of a query to a database without a backend.
	ErrNoHistory = errors.New("aimdb: this database keeps no history; give New the option WithPersistence")
	// ErrPositionGone is the error of [FollowAfter] for a position that the log
	// does not reach back to, or that belongs to another log.
	ErrPositionGone = errors.New("the log does not reach back to this position any more; follow from a time instead")
	// ErrSuperseded is what ProduceLogged returns when a newer value replaced the
	// value in a single-latest record or a mailbox before the log read it.
	ErrSuperseded = records.ErrSuperseded
	// ErrTakenOver is the error of Run when another process has opened the same
	// database on the same outside servers: a log has one writer, which is the one
	// that was opened last.
	ErrTakenOver = bus.ErrTakenOver
	// ErrOtherStream is the error of New and Open for a stream on outside servers that
	// is not as this database needs it, or is not of this database.
	ErrOtherStream = bus.ErrOtherStream
	// ErrOldServer is the error of New and Open for an outside server that is too old.
	ErrOldServer = cluster.ErrOldServer
	// ErrBadCursor is the error of a cursor that is damaged, of another database,
	// of another query, or of an older version of this program.
	ErrBadCursor = history.ErrBadCursor
	// ErrBadPattern is the error of a pattern that is not one.
	ErrBadPattern = key.ErrBadPattern
)

// LostError is what ProduceLogged returns for a value that was lost between the
// record and the log.
type LostError = records.LostError

// failed says what was attempted, and that the database is closed if it is.
func (db *DB) failed(err error, format string, args ...any) error {
	if err == nil {
		return nil
	}
	what := "aimdb: " + fmt.Sprintf(format, args...)
	if db.closed() && !errors.Is(err, ErrClosed) {
		return fmt.Errorf("%s: %w: %w", what, ErrClosed, err)
	}
	return fmt.Errorf("%s: %w", what, err)
}

func (db *DB) closed() bool {
	select {
	case <-db.gone:
		return true
	default:
		return false
	}
}
