package postgres

import (
	"errors"
	"fmt"
	"io"
	"net"

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
		err = fmt.Errorf("%w: %w", history.ErrUnavailable, err)
	}
	return fmt.Errorf("%s in PostgreSQL schema %s at %s: %w", doing, s.config.Schema, s.address, err)
}
