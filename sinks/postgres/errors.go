package postgres

import (
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/aimdb-go/aimdb/history"
)

var (
	// ErrInUse is the error of Write and Checkpoint while another process writes to the
	// history.
	ErrInUse = errors.New("another process writes to this history; this one is its standby")
	// ErrForeign is the error of Open for tables that this program has not made.
	ErrForeign = errors.New("tables of another shape")
	// ErrNewer is the error of Open for a schema of a newer version.
	ErrNewer = errors.New("a schema of a newer version")
	// ErrStopped is the error of Write after Run has ended.
	ErrStopped = errors.New("the writer has stopped")
)

// unreachable reports whether an error says nothing about the history: the server is down,
// starting, or has no connection to spare, or the connection ended. Anything that the server
// says about the user or the database is no such error.
func unreachable(err error) bool {
	var refused *pgconn.PgError
	if errors.As(err, &refused) {
		switch refused.Code {
		case "57P01", "57P02", "57P03", "53300": // shutting down, crashed, starting, too many connections
			return true
		}
		return refused.Code[:2] == "08"
	}
	var connect *pgconn.ConnectError
	var network *net.OpError
	return errors.As(err, &connect) || errors.As(err, &network) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, errBroken)
}

// errBroken marks an error of a connection that ended while it was used.
var errBroken = errors.New("the connection to PostgreSQL ended")

// explained says what was attempted, on which history.
func (s *Store) explained(doing string, err error) error {
	if err == nil {
		return nil
	}
	if unreachable(err) && !errors.Is(err, history.ErrUnavailable) {
		err = fmt.Errorf("%w: %w", history.ErrUnavailable, shortened(err))
	} else {
		err = shortened(err)
	}
	return fmt.Errorf("%s in PostgreSQL schema %s at %s: %w", doing, s.config.Schema, s.address, err)
}

// connectError is the error of a connection in one line. The library has one for each
// address, and with sslmode=prefer one with TLS and one without.
type connectError struct {
	text string
	error
}

// Error implements error.
func (e connectError) Error() string { return e.text }

// Unwrap returns the error of the library.
func (e connectError) Unwrap() error { return e.error }

// shortened says in one line why a connection was refused, and what to do.
func shortened(err error) error {
	var connect *pgconn.ConnectError
	var refused *pgconn.PgError
	switch {
	case !errors.As(err, &connect):
		return err
	case !errors.As(err, &refused):
		lines := strings.Split(err.Error(), "\n\t")
		return connectError{strings.Join(slices.Compact(lines), " "), err}
	}
	text := fmt.Sprintf("connect as %s: %s (SQLSTATE %s)", connect.Config.User, refused.Message, refused.Code)
	switch refused.Code {
	case "28P01", "28000":
		text += "; give the user in the DSN, and the password in PGPASSWORD or ~/.pgpass"
	case "3D000":
		text += "; make it with createdb, or name another one in the DSN"
	}
	return connectError{text, err}
}
