package api

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"

	"github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/util/annotations"

	"github.com/aimdb-go/aimdb/aimx"
	"github.com/aimdb-go/aimdb/history"
)

// endpoint answers a request whose form is parsed.
type endpoint func(*http.Request) (answer, *failure)

// answer is the data of an answer: JSON that is ready, or something to encode.
type answer struct {
	data     any
	query    string // that the positions of the warnings are in
	warnings annotations.Annotations
}

// failure is an error as Prometheus answers it.
type failure struct {
	kind   string
	status int
	err    error
}

// The kinds of failures.
const (
	badData     = "bad_data"
	execution   = "execution"
	canceled    = "canceled"
	timeout     = "timeout"
	internal    = "internal"
	unavailable = "unavailable"
	notFound    = "not_found"
)

// statusClientGone is the status that Prometheus logs for a client that does not wait.
const statusClientGone = 499

func failf(kind string, status int, format string, args ...any) *failure {
	return &failure{kind, status, fmt.Errorf(format, args...)}
}

// invalid is the failure of a parameter.
func invalid(name string, err error) *failure {
	return failf(badData, http.StatusBadRequest, "invalid parameter %q: %w", name, err)
}

// failed is the failure of a query.
func failed(err error) *failure {
	var connection *aimx.ConnectionError
	var gone promql.ErrQueryCanceled
	var late promql.ErrQueryTimeout
	switch {
	case errors.As(err, &gone), errors.Is(err, context.Canceled):
		return &failure{canceled, statusClientGone, err}
	case errors.As(err, &late), errors.Is(err, context.DeadlineExceeded):
		return &failure{timeout, http.StatusServiceUnavailable, err}
	case errors.As(err, &connection), errors.Is(err, history.ErrUnavailable):
		return &failure{unavailable, http.StatusServiceUnavailable, err}
	}
	return &failure{execution, http.StatusUnprocessableEntity, err}
}

// answer serves an endpoint.
func (a *API) answer(serve endpoint) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := r.ParseForm(); err != nil {
			respondError(w, failf(badData, http.StatusBadRequest, "error parsing form values: %w", err))
			return
		}
		got, failure := serve(r)
		if failure != nil {
			respondError(w, failure)
			return
		}
		body, err := got.encode()
		if err != nil {
			respondError(w, failf(internal, http.StatusInternalServerError, "encode the answer: %w", err))
			return
		}
		respond(w, http.StatusOK, body)
	})
}

// encode returns the whole answer.
func (a answer) encode() ([]byte, error) {
	data, ready := a.data.([]byte)
	if !ready {
		var err error
		if data, err = json.Marshal(a.data); err != nil {
			return nil, err
		}
	}
	body := append(make([]byte, 0, len(data)+64), `{"status":"success","data":`...)
	body = append(body, data...)
	warnings, infos := a.warnings.AsStrings(a.query, 10, 10)
	for _, said := range []struct {
		name  string
		texts []string
	}{{"warnings", warnings}, {"infos", infos}} {
		if len(said.texts) == 0 {
			continue
		}
		texts, err := json.Marshal(said.texts)
		if err != nil {
			return nil, err
		}
		body = append(append(body, `,"`+said.name+`":`...), texts...)
	}
	return append(body, '}'), nil
}

func respondError(w http.ResponseWriter, f *failure) {
	// Three strings can always be encoded.
	body, _ := json.Marshal(struct {
		Status string `json:"status"`
		Kind   string `json:"errorType"`
		Error  string `json:"error"`
	}{"error", f.kind, f.err.Error()})
	respond(w, f.status, body)
}

func respond(w http.ResponseWriter, status int, body []byte) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(status)
	_, _ = w.Write(body) // the client may have gone
}
