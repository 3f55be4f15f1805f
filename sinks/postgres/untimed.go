package postgres

import (
	"errors"

	"github.com/aimdb-go/aimdb/sinks"
)

var _ sinks.Untimed = (*Store)(nil)

// errNoEventTimes is not a refusal of values: they wait in the log.
var errNoEventTimes = errors.New("a history in PostgreSQL cannot keep event times beside the times of the writes yet; use sinks/sqlite for records with EventTime")

// NoEventTimes implements sinks.Untimed.
func (s *Store) NoEventTimes() error { return errNoEventTimes }
