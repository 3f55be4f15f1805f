package series

import (
	"context"
	"fmt"

	"github.com/prometheus/prometheus/model/labels"

	"github.com/aimdb-go/aimdb/contrib/prometheus/internal/metric"
	"github.com/aimdb-go/aimdb/history"
)

// TooManyRowsError says that a query has to read more rows than one may.
type TooManyRowsError struct {
	// Metric is the metric that was read, Limit the number of rows.
	Metric string
	Limit  int
}

// Error implements error.
func (e *TooManyRowsError) Error() string {
	return fmt.Sprintf("read %s: the query needs more than %d rows of the history; ask for a shorter time, or for fewer series by the labels that stand for segments of the key, or raise -max-samples", e.Metric, e.Limit)
}

// read returns the series of a metric with their samples. It does not ask for records that
// cannot match.
func (q *querier) read(ctx context.Context, m *metric.Metric, window history.Window, matchers []*labels.Matcher) ([]*samples, error) {
	pattern, some := m.Narrow(matchers)
	if !some || *window.Start > *window.End {
		return nil, nil
	}
	var all []*samples
	byRecord := map[string]*samples{}
	for row, err := range q.source.Range(ctx, history.RangeQuery{Pattern: pattern, Window: window}) {
		if err != nil {
			return nil, fmt.Errorf("read %s: %w", m.Name, err)
		}
		if q.left--; q.left < 0 {
			return nil, &TooManyRowsError{Metric: m.Name, Limit: q.rows}
		}
		s, known := byRecord[row.Record]
		if !known {
			if l, ok := m.Labels(row.Record); ok && matches(matchers, l) && reads(ctx, row.Record) {
				s = &samples{labels: l}
				all = append(all, s)
			}
			byRecord[row.Record] = s // nil for one that does not match
		}
		if s == nil {
			continue
		}
		if found := m.Path.Sample(row.Time, row.Value); found.Kind == history.Numeric {
			s.add(sample{row.Time, found.Number})
		}
	}
	return all, nil
}
