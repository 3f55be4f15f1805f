package sqlite

import (
	"errors"
	"fmt"

	"modernc.org/sqlite"
	lib "modernc.org/sqlite/lib"

	"github.com/aimdb-go/aimdb/sinks"
)

// Errors that callers can match.
var (
	// ErrStopped is the error of a write after Run has ended.
	ErrStopped = errors.New("the writer of the history has stopped")
	// ErrNotDatabase is the error of a file that is not a SQLite database.
	ErrNotDatabase = errors.New("not a SQLite database")
	// ErrForeign is the error of a database of another program.
	ErrForeign = errors.New("a database of another program")
	// ErrNewer is the error of a file that a newer version of this program made.
	ErrNewer = errors.New("made by a newer version of this program")
	// ErrCorrupt is the error of a damaged file.
	ErrCorrupt = errors.New("damaged")
	// ErrGone is the error of a file that was deleted or replaced while it was
	// open.
	ErrGone = errors.New("deleted or replaced while it was open")
	// ErrShortened says that the end of the file, or all of it, was cut off while
	// it was open.
	ErrShortened = errors.New("cut short while it was open")
	// ErrInUse says that another process is the owner of the file.
	ErrInUse = errors.New("in use by another process")
	// ErrReadOnly is the error of a write to a store opened with OpenReadOnly.
	ErrReadOnly = errors.New("the history was opened for reading only")
)

// code returns SQLite's primary result code of an error, and 0 if it has none.
func code(err error) int {
	var failure *sqlite.Error
	if !errors.As(err, &failure) {
		return 0
	}
	return failure.Code() & 0xff
}

// wrongIndex reports whether SQLite found that an index lacks the entry of a row. It
// checks that when the row is deleted.
func wrongIndex(err error) bool {
	var failure *sqlite.Error
	return errors.As(err, &failure) && failure.Code() == lib.SQLITE_CORRUPT_INDEX
}

// writeError adds what failed to an error. An error that a value caused becomes a
// RefusedError, since trying again is of no use.
func (s *Store) writeError(doing string, err error) error {
	if err == nil {
		return nil
	}
	switch code(err) {
	case lib.SQLITE_TOOBIG, lib.SQLITE_CONSTRAINT, lib.SQLITE_MISMATCH:
		return &sinks.RefusedError{Reason: fmt.Errorf("%s in %s: %w", doing, s.path, err)}
	case lib.SQLITE_CORRUPT, lib.SQLITE_NOTADB:
		return fmt.Errorf("%s in %s: %w: %w", doing, s.path, ErrCorrupt, err)
	}
	return fmt.Errorf("%s in %s: %w%s", doing, s.path, err, hint(err))
}

// hint returns what may be done about an error.
func hint(err error) string {
	switch code(err) {
	case lib.SQLITE_FULL:
		return " (free some space on its disk; the log keeps the values until then)"
	case lib.SQLITE_BUSY, lib.SQLITE_LOCKED:
		return " (another process has the file locked)"
	case lib.SQLITE_IOERR:
		return " (its disk is full or failing)"
	case lib.SQLITE_CANTOPEN:
		return " (it or its directory is missing, or the user of this process may not write there)"
	case lib.SQLITE_READONLY:
		return " (the file or its file system has become read-only)"
	}
	return ""
}

// readError adds to an error what was to be read.
func (s *Store) readError(doing string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s from %s: %w", doing, s.path, s.noted(corruptError(err)))
}

// noted remembers damage, so that Close does not mark the file as closed cleanly
// and the next start checks all of it.
func (s *Store) noted(err error) error {
	if errors.Is(err, ErrCorrupt) {
		s.damaged.Store(true)
	}
	return err
}
