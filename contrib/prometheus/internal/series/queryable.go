package series

import (
	"context"
	"iter"
	"slices"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/storage"
	"github.com/prometheus/prometheus/util/annotations"

	"github.com/aimdb-go/aimdb/contrib/prometheus/internal/metric"
	"github.com/aimdb-go/aimdb/history"
)

// Source is a history: that of a running database, or one in a file.
type Source interface {
	// Range yields the rows of a span of time, ordered by time.
	Range(ctx context.Context, q history.RangeQuery) iter.Seq2[history.Row, error]
	// Stats describes the records that have rows.
	Stats(ctx context.Context) (history.Stats, error)
}

// Queryable is the storage of the PromQL engine. It is safe for concurrent use.
type Queryable struct {
	source  Source
	metrics []*metric.Metric
	rows    int
}

// New returns the storage of some metrics. One query reads at most a number of rows.
func New(source Source, metrics []*metric.Metric, rows int) *Queryable {
	return &Queryable{source: source, metrics: metrics, rows: rows}
}

// Metrics returns the metrics, sorted by name.
func (q *Queryable) Metrics() []*metric.Metric { return q.metrics }

// Querier implements storage.Queryable. Both ends are included.
func (q *Queryable) Querier(mint, maxt int64) (storage.Querier, error) {
	return &querier{Queryable: q, mint: mint, maxt: maxt, left: q.rows}, nil
}

// querier answers one query, one call after the other.
type querier struct {
	*Queryable
	mint, maxt int64
	left       int // rows that may be read
}

// Close implements storage.Querier.
func (q *querier) Close() error { return nil }

// Select implements storage.Querier.
func (q *querier) Select(ctx context.Context, _ bool, hints *storage.SelectHints, matchers ...*labels.Matcher) storage.SeriesSet {
	if hints != nil && hints.Func == "series" {
		listed, err := q.listed(ctx, matchers)
		if err != nil {
			return storage.ErrSeriesSet(err)
		}
		return newSet(listed)
	}
	mint, maxt := q.mint, q.maxt
	if hints != nil {
		mint, maxt = hints.Start, hints.End
	}
	var all []*samples
	for _, m := range q.metrics {
		found, err := q.read(ctx, m, history.Window{Start: &mint, End: &maxt}, matchers)
		if err != nil {
			return storage.ErrSeriesSet(err)
		}
		all = append(all, found...)
	}
	return newSet(all)
}

// LabelValues implements storage.LabelQuerier.
func (q *querier) LabelValues(ctx context.Context, name string, _ *storage.LabelHints, matchers ...*labels.Matcher) ([]string, annotations.Annotations, error) {
	return q.texts(ctx, matchers, func(l labels.Label) (string, bool) { return l.Value, l.Name == name })
}

// LabelNames implements storage.LabelQuerier.
func (q *querier) LabelNames(ctx context.Context, _ *storage.LabelHints, matchers ...*labels.Matcher) ([]string, annotations.Annotations, error) {
	return q.texts(ctx, matchers, func(l labels.Label) (string, bool) { return l.Name, true })
}

// texts returns what of takes from the labels of all series that match, sorted.
func (q *querier) texts(ctx context.Context, matchers []*labels.Matcher, of func(labels.Label) (string, bool)) ([]string, annotations.Annotations, error) {
	listed, err := q.listed(ctx, matchers)
	if err != nil {
		return nil, nil, err
	}
	var texts []string
	for _, s := range listed {
		s.labels.Range(func(l labels.Label) {
			if text, ok := of(l); ok {
				texts = append(texts, text)
			}
		})
	}
	slices.Sort(texts)
	return slices.Compact(texts), nil, nil
}

// listed returns the series that match and have rows in the time of the query, without
// their samples.
func (q *querier) listed(ctx context.Context, matchers []*labels.Matcher) ([]*samples, error) {
	stats, err := q.source.Stats(ctx)
	if err != nil {
		return nil, err
	}
	var all []*samples
	for _, m := range q.metrics {
		for _, r := range stats.Records {
			if r.Rows == 0 || r.LastTime < q.mint || r.FirstTime > q.maxt {
				continue
			}
			if l, ok := m.Labels(r.Record); ok && matches(matchers, l) && reads(ctx, r.Record) {
				all = append(all, &samples{labels: l})
			}
		}
	}
	return all, nil
}

func matches(matchers []*labels.Matcher, l labels.Labels) bool {
	for _, m := range matchers {
		if !m.Matches(l.Get(m.Name)) {
			return false
		}
	}
	return true
}
