package history

import "errors"

// ErrBadCursor is the error of a cursor that is damaged, of another history, of
// another query, or of an older version of this package.
var ErrBadCursor = errors.New("the cursor does not belong to this history and this query; start without one, and change nothing but the size of a page")

// ErrUnavailable is the error of a query while the store cannot be reached. The same query
// may be answered later.
var ErrUnavailable = errors.New("the history cannot be reached now")

// QueryError is the error of a query that can never be answered because of what
// it asks.
type QueryError struct {
	// Reason says what is wrong. It is empty if Err says it.
	Reason string
	// Err is the sentinel that the error matches, if there is one.
	Err error
}

// Error implements error.
func (e *QueryError) Error() string {
	if e.Reason == "" && e.Err != nil {
		return e.Err.Error()
	}
	return e.Reason
}

// Unwrap returns the sentinel.
func (e *QueryError) Unwrap() error { return e.Err }
