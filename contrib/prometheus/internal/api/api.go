package api

import (
	"log/slog"
	"net/http"
	"time"

	"github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/promql/parser"

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
}

// API answers requests. It is safe for concurrent use.
type API struct {
	config Config
	engine *promql.Engine
	parser parser.Parser
	slots  slots
}

// formBytes bounds the body of a request.
const formBytes = 1 << 20

// New returns an API. Close it.
func New(c Config) *API {
	p := parser.NewParser(parser.Options{})
	s := make(slots, c.Queries)
	return &API{config: c, parser: p, slots: s, engine: promql.NewEngine(promql.EngineOpts{
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
	mux.Handle("GET /api/v1/label/{name}/values", a.answer(a.labelValues))
	mux.Handle("GET /api/v1/metadata", a.answer(a.metadata))
	mux.Handle("GET /api/v1/status/buildinfo", a.answer(a.buildInfo))
	mux.HandleFunc("GET /federate", a.federate)
	for path, state := range map[string]string{"/-/healthy": "Healthy", "/-/ready": "Ready"} {
		mux.HandleFunc("GET "+path, func(w http.ResponseWriter, _ *http.Request) {
			_, _ = w.Write([]byte("The adapter is " + state + ".\n")) // the client may have gone
		})
	}
	return checkHost(http.MaxBytesHandler(mux, formBytes))
}
