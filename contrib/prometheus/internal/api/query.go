package api

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/prometheus/prometheus/model/timestamp"
	"github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/util/annotations"
)

// maxPoints bounds the points of a series in an answer, as Prometheus does.
const maxPoints = 11_000

// query evaluates at one time.
func (a *API) query(r *http.Request) (answer, *failure) {
	at, f := timeParam(r, "time", time.Now().UnixMilli())
	if f != nil {
		return answer{}, f
	}
	return a.evaluate(r, func(ctx context.Context, opts promql.QueryOpts, text string) (promql.Query, error) {
		return a.engine.NewInstantQuery(ctx, a.config.Storage, opts, text, timestamp.Time(at))
	})
}

// queryRange evaluates at many times.
func (a *API) queryRange(r *http.Request) (answer, *failure) {
	start, err := parseTime(r.FormValue("start"))
	if err != nil {
		return answer{}, invalid("start", err)
	}
	end, err := parseTime(r.FormValue("end"))
	if err != nil {
		return answer{}, invalid("end", err)
	}
	if end < start {
		return answer{}, invalid("end", errors.New("end timestamp must not be before start time"))
	}
	step, err := parseDuration(r.FormValue("step"))
	if err != nil {
		return answer{}, invalid("step", err)
	}
	if step < time.Millisecond {
		return answer{}, invalid("step", errors.New("zero or negative query resolution step widths are not accepted, nor steps below a millisecond. Try a positive integer"))
	}
	if uint64(end-start)/uint64(step.Milliseconds()) > maxPoints {
		return answer{}, failf(badData, http.StatusBadRequest, "exceeded maximum resolution of 11,000 points per timeseries. Try decreasing the query resolution (?step=XX)")
	}
	return a.evaluate(r, func(ctx context.Context, opts promql.QueryOpts, text string) (promql.Query, error) {
		return a.engine.NewRangeQuery(ctx, a.config.Storage, opts, text, timestamp.Time(start), timestamp.Time(end), step)
	})
}

// evaluate runs a query until it is done, its time is over or the client goes.
func (a *API) evaluate(r *http.Request, prepare func(context.Context, promql.QueryOpts, string) (promql.Query, error)) (answer, *failure) {
	limit, f := limitParam(r)
	if f != nil {
		return answer{}, f
	}
	patience, f := durationParam(r, "timeout")
	if f != nil {
		return answer{}, f
	}
	lookback, f := durationParam(r, "lookback_delta")
	if f != nil {
		return answer{}, f
	}
	ctx := r.Context()
	if patience > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, patience)
		defer cancel()
	}
	text := r.FormValue("query")
	query, err := prepare(ctx, promql.NewPrometheusQueryOpts(false, lookback, nil), text)
	if err != nil {
		if f := failed(err); f.kind != execution {
			return answer{}, f
		}
		return answer{}, invalid("query", err)
	}
	defer query.Close()
	result := query.Exec(ctx)
	if result.Err != nil {
		return answer{}, failed(result.Err)
	}
	got := answer{query: text, warnings: result.Warnings}
	if limit > 0 {
		result.Value = truncate(result.Value, limit, &got.warnings)
	}
	got.data, err = appendValue(nil, result.Value)
	if err != nil {
		return answer{}, failf(internal, http.StatusInternalServerError, "%w", err)
	}
	return got, nil
}

// format writes a query in the usual form.
func (a *API) format(r *http.Request) (answer, *failure) {
	expr, err := a.parser.ParseExpr(r.FormValue("query"))
	if err != nil {
		return answer{}, invalid("query", err)
	}
	return answer{data: expr.Pretty(0)}, nil
}

// exemplars answers that there are none.
func (a *API) exemplars(r *http.Request) (answer, *failure) {
	if _, err := a.parser.ParseExpr(r.FormValue("query")); err != nil {
		return answer{}, invalid("query", err)
	}
	return answer{data: []string{}}, nil
}

var errTruncated = errors.New("results truncated due to limit")

func truncated(w *annotations.Annotations) { w.Add(errTruncated) }
