package api

import (
	"log/slog"
	"net/http"
	"time"

	"github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/promql/parser"

	"github.com/aimdb-go/aimdb/access"
	"github.com/aimdb-go/aimdb/contrib/prometheus/internal/series"
)

// Config is what an API needs.
type Config struct {
	Storage *series.Queryable
	Logger  *slog.Logger
	// Lookback is how long the last sample of a series counts.
	Lookback time.Duration
	// Timeout bounds a query, Samples the samples that it holds in memory, and Queries the
	// number of queries at once; others wait.
	Timeout time.Duration
	Samples int
	Queries int
	// Tokens admit clients, and say which records each may read. Without them everybody is
	// admitted who asks for a host of loopback.
	Tokens *access.List
}

// API answers requests. It is safe for concurrent use.
type API struct {
	config Config
	engine *promql.Engine
	parser parser.Parser
	slots  slots
	// started is the time of New, in UTC.
	started time.Time
}

// formBytes bounds the body of a request.
const formBytes = 1 << 20

// New returns an API. Close it.
func New(c Config) *API {
	p := parser.NewParser(parser.Options{})
	s := make(slots, c.Queries)
	return &API{config: c, parser: p, slots: s, started: time.Now().UTC(), engine: promql.NewEngine(promql.EngineOpts{
		Logger: c.Logger, MaxSamples: c.Samples, Timeout: c.Timeout, LookbackDelta: c.Lookback,
		ActiveQueryTracker: s, Parser: p, EnableAtModifier: true, EnableNegativeOffset: true,
		NoStepSubqueryIntervalFn: func(int64) int64 { return time.Minute.Milliseconds() },
	})}
}

// Close releases the engine.
func (a *API) Close() error { return a.engine.Close() }

// Handler returns the routes.
func (a *API) Handler() http.Handler {
	mux := http.NewServeMux()
	for path, serve := range map[string]endpoint{
		"/api/v1/query":           a.query,
		"/api/v1/query_range":     a.queryRange,
		"/api/v1/series":          a.series,
		"/api/v1/labels":          a.labelNames,
		"/api/v1/query_exemplars": a.exemplars,
		"/api/v1/format_query":    a.format,
	} {
		mux.Handle("GET "+path, a.answer(serve))
		mux.Handle("POST "+path, a.answer(serve))
	}
	for path, serve := range map[string]endpoint{
		"/api/v1/label/{name}/values": a.labelValues,
		"/api/v1/metadata":            a.metadata,
		"/api/v1/status/buildinfo":    a.buildInfo,
		"/api/v1/status/runtimeinfo":  a.runtimeInfo,
		"/api/v1/status/flags":        a.flags,
		"/api/v1/status/config":       always(`{"yaml":""}`),
		// There are none of these.
		"/api/v1/rules":         always(`{"groups":[]}`),
		"/api/v1/alerts":        always(`{"alerts":[]}`),
		"/api/v1/targets":       always(`{"activeTargets":[],"droppedTargets":[],"droppedTargetCounts":{}}`),
		"/api/v1/alertmanagers": always(`{"activeAlertmanagers":[],"droppedAlertmanagers":[]}`),
	} {
		mux.Handle("GET "+path, a.answer(serve))
	}
	mux.Handle("/api/", a.answer(unknown))
	mux.HandleFunc("GET /federate", a.federate)
	for path, state := range map[string]string{"/-/healthy": "Healthy", "/-/ready": "Ready"} {
		mux.HandleFunc("GET "+path, func(w http.ResponseWriter, _ *http.Request) {
			_, _ = w.Write([]byte("The adapter is " + state + ".\n")) // the client may have gone
		})
	}
	return a.guard(http.MaxBytesHandler(mux, formBytes))
}
