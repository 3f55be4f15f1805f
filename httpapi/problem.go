package httpapi

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"

	"github.com/aimdb-go/aimdb/aimx"
	"github.com/aimdb-go/aimdb/history"
	"github.com/aimdb-go/aimdb/ingest"
	"github.com/aimdb-go/aimdb/records"
)

// problem is an error answer of RFC 9457.
type problem struct {
	Title  string `json:"title"`
	Status int    `json:"status"`
	Detail string `json:"detail"`
	// Errors says what is wrong.
	Errors []fault `json:"errors,omitempty"`
	// Accepted is the number of lines that were taken, and Refused of those that were not;
	// Errors has the first of them.
	Accepted *int `json:"accepted,omitempty"`
	Refused  int  `json:"refused,omitempty"`
}

// fault is one thing that is wrong in a request.
type fault struct {
	// Parameter is a query parameter, Pointer a JSON Pointer in the value, "" if it is the
	// whole value. Line counts from 1.
	Parameter string  `json:"parameter,omitempty"`
	Pointer   *string `json:"pointer,omitempty"`
	Line      int     `json:"line,omitempty"`
	Key       string  `json:"key,omitempty"`
	Cause     string  `json:"cause,omitempty"`
	Detail    string  `json:"detail"`
}

func problemf(status int, format string, args ...any) *problem {
	return &problem{Title: http.StatusText(status), Status: status, Detail: fmt.Sprintf(format, args...)}
}

// wrongParameter says what is wrong with a query parameter.
func wrongParameter(name, format string, args ...any) *problem {
	detail := fmt.Sprintf(format, args...)
	p := problemf(http.StatusBadRequest, "the parameter %s: %s", name, detail)
	p.Errors = []fault{{Parameter: name, Detail: detail}}
	return p
}

func (p *problem) write(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "application/problem+json")
	if p.Status == http.StatusServiceUnavailable {
		w.Header().Set("Retry-After", "1")
	}
	text, err := json.Marshal(p)
	if err != nil { // it holds strings and numbers
		panic(fmt.Sprintf("httpapi: encode a problem: %v", err))
	}
	w.WriteHeader(p.Status)
	if r.Method != http.MethodHead {
		_, _ = w.Write(append(text, '\n')) // it fails if the client has left
	}
}

// callProblem is the answer to a request that the gateway refused.
func callProblem(err error) *problem {
	var refusal *aimx.Refusal
	if !errors.As(err, &refusal) {
		return problemf(http.StatusInternalServerError, "%v", err)
	}
	status := http.StatusBadRequest
	var wrong *history.QueryError
	switch {
	case errors.Is(err, history.ErrBadCursor):
		return wrongParameter("cursor", "%s", refusal.Reason)
	case errors.As(err, &wrong):
	case errors.Is(err, context.DeadlineExceeded):
		status = http.StatusGatewayTimeout
	case errors.Is(err, context.Canceled), errors.Is(err, history.ErrUnavailable), errors.Is(err, records.ErrClosed):
		status = http.StatusServiceUnavailable
	case refusal.Err != nil:
		status = http.StatusInternalServerError
	case refusal.Code == aimx.CodeDenied:
		status = http.StatusForbidden
	case refusal.Code == aimx.CodeNotFound:
		status = http.StatusNotFound
	}
	return problemf(status, "%s", refusal.Reason)
}

// faultOf says why a value was refused. It returns false for an error of the server.
func faultOf(err error) (f fault, status int, ok bool) {
	var r *ingest.Refusal
	if !errors.As(err, &r) {
		return fault{}, 0, false
	}
	f = fault{Key: r.Record, Cause: r.Cause.String(), Detail: r.Reason}
	status = http.StatusForbidden
	switch r.Cause {
	case ingest.Unknown:
		status = http.StatusNotFound
	case ingest.Invalid:
		status, f.Pointer = http.StatusUnprocessableEntity, &r.Path
	case ingest.TooManyRecords:
		status = http.StatusInsufficientStorage
	case ingest.NotLogged, ingest.NoSpace:
		status = http.StatusServiceUnavailable
	}
	return f, status, true
}

// setProblem is the answer to a value that was refused.
func setProblem(err error) *problem {
	if f, status, ok := faultOf(err); ok {
		p := problemf(status, "%s", f.Detail)
		p.Errors = []fault{f}
		return p
	}
	return failedProblem(err)
}

// failedProblem is the answer to a write that the server could not do.
func failedProblem(err error) *problem {
	if errors.Is(err, records.ErrClosed) || errors.Is(err, context.Canceled) {
		return problemf(http.StatusServiceUnavailable, "the database stops: %v", err)
	}
	return problemf(http.StatusInternalServerError, "%v", err)
}
