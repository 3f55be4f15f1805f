package series_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"math"
	"reflect"
	"testing"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/storage"
	"github.com/prometheus/prometheus/tsdb/chunkenc"

	"github.com/aimdb-go/aimdb/access"
	"github.com/aimdb-go/aimdb/contrib/prometheus/internal/metric"
	"github.com/aimdb-go/aimdb/contrib/prometheus/internal/series"
	"github.com/aimdb-go/aimdb/history"
)

// memory is a history in memory, in the order of its times.
type memory []history.Row

func (m memory) Range(_ context.Context, q history.RangeQuery) iter.Seq2[history.Row, error] {
	return func(yield func(history.Row, error) bool) {
		for _, row := range m {
			if q.Pattern.Match(row.Record) && row.Time >= *q.Window.Start && row.Time <= *q.Window.End && !yield(row, nil) {
				return
			}
		}
	}
}

func (m memory) Stats(context.Context) (s history.Stats, err error) {
	for _, row := range m {
		s.Records = append(s.Records, history.RecordStats{Record: row.Record, Rows: 1, FirstTime: row.Time, LastTime: row.Time})
	}
	return s, nil
}

func open(t *testing.T, source series.Source, declared string, limit int, mint, maxt int64) storage.Querier {
	t.Helper()
	metrics, err := metric.Parse("f.yaml", []byte(declared))
	if err != nil {
		t.Fatal(err)
	}
	q, err := series.New(source, metrics, limit).Querier(mint, maxt)
	if err != nil {
		t.Fatal(err)
	}
	return q
}

// point is a sample of a series.
type point struct {
	time   int64
	number float64
}

// read returns the samples of a selection by the labels of their series.
func read(t *testing.T, ctx context.Context, q storage.Querier, matchers ...*labels.Matcher) map[string][]point {
	t.Helper()
	found := map[string][]point{}
	set := q.Select(ctx, true, nil, matchers...)
	for before := labels.EmptyLabels(); set.Next(); {
		one := set.At()
		if labels.Compare(before, one.Labels()) >= 0 {
			t.Errorf("%s comes after %s", one.Labels(), before)
		}
		before = one.Labels()
		points := []point{}
		it := one.Iterator(nil)
		for it.Next() == chunkenc.ValFloat {
			ms, number := it.At()
			points = append(points, point{ms, number})
		}
		found[one.Labels().String()] = points
	}
	if err := set.Err(); err != nil {
		t.Fatal(err)
	}
	return found
}

// TestWhatIsANumber: numbers of JSON count, and nothing else, whatever a record held before.
func TestWhatIsANumber(t *testing.T) {
	var source memory
	for n, value := range []string{
		`{"list":[{"t":1.5}]}`, `{"list":[{"t":"2.5"}]}`, `{"list":[{"t":null}]}`, `{"list":[{"t":true}]}`, `{"list":[{"t":false}]}`,
		`{"list":[]}`, `{"list":{"0":{"t":4}}}`, `7`, `"text"`, `[{"t":1}]`, `{"list":[{"t":[1]}]}`, `{"list":[{"t":9007199254740993}]}`,
		`{"list":[{"t":123456789012345678901234567890}]}`, `{"list":[{"t":1e999}]}`, `{"list":[{"t":-0.0}]}`, `broken`, `{"list":[{"t":1,"t":2}]}`,
		`{"list":[{"t":3}]}`,
	} {
		source = append(source, history.Row{Record: "a", Time: int64(n), Value: []byte(value)})
	}
	source = append(source, history.Row{Record: "a", Time: int64(len(source) - 1), Value: []byte(`{"list":[{"t":5}]}`)})
	got := read(t, t.Context(), open(t, source, "metrics: {m: {record: a, path: \"list[0].t\"}}", 100, 0, 100))
	want := map[string][]point{`{__name__="m"}`: {{0, 1.5}, {11, 9007199254740992}, {12, 123456789012345678901234567890}, {14, math.Copysign(0, -1)}, {16, 2}, {17, 5}}}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %v\nwant %v", got, want)
	}
}

// TestMetricsOfOneRecord: several metrics may read one record, each by its own path.
func TestMetricsOfOneRecord(t *testing.T) {
	source := memory{{Record: "a.x", Time: 1, Value: []byte(`{"t":1,"u":2}`)}, {Record: "a.y", Time: 2, Value: []byte(`{"u":3}`)}}
	q := open(t, source, "metrics:\n  t: {record: a.*, path: t, labels: {of: $1}}\n  u: {record: a.*, path: u, labels: {of: $1}}\n", 100, 0, 100)
	got := read(t, t.Context(), q, labels.MustNewMatcher(labels.MatchRegexp, "of", "x|y"))
	want := map[string][]point{`{__name__="t", of="x"}`: {{1, 1}}, `{__name__="t", of="y"}`: {}, `{__name__="u", of="x"}`: {{1, 2}}, `{__name__="u", of="y"}`: {{2, 3}}}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %v\nwant %v", got, want)
	}
	for name, want := range map[string][]string{"of": {"x", "y"}, "__name__": {"t", "u"}} {
		if got, _, err := q.LabelValues(t.Context(), name, nil); err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("values of %s: %v, %v", name, got, err)
		}
	}
}

// TestLimitOfRows: the rows of one query count over all its selections.
func TestLimitOfRows(t *testing.T) {
	source := memory{{Record: "a", Time: 1, Value: []byte("1")}, {Record: "a", Time: 2, Value: []byte("2")}}
	q := open(t, source, "metrics: {m: {record: a}}", 3, 0, 100)
	read(t, t.Context(), q)
	set := q.Select(t.Context(), true, nil)
	var many *series.TooManyRowsError
	if set.Next() || !errors.As(set.Err(), &many) || many.Metric != "m" || many.Limit != 3 {
		t.Errorf("got %v", set.Err())
	}
}

func TestManySeries(t *testing.T) {
	var source memory
	for n := range 10_000 {
		source = append(source, history.Row{Record: fmt.Sprintf("w.%d.now", 9999-n), Time: int64(n), Value: fmt.Append(nil, n)})
	}
	q := open(t, source, "metrics: {m: {record: w.*.now, labels: {station: $1}}}", 10_000, 0, 10_000)
	got := read(t, t.Context(), q)
	if len(got) != 10_000 || !reflect.DeepEqual(got[`{__name__="m", station="42"}`], []point{{9957, 9957}}) {
		t.Errorf("%d series; 42 has %v", len(got), got[`{__name__="m", station="42"}`])
	}
	if values, _, err := q.LabelValues(t.Context(), "station", nil); err != nil || len(values) != 10_000 {
		t.Errorf("%d values, %v", len(values), err)
	}
}

func TestGrantsHideSeries(t *testing.T) {
	source := memory{{Record: "w.a", Time: 1, Value: []byte("1")}, {Record: "w.b", Time: 1, Value: []byte("2")}}
	q := open(t, source, "metrics: {m: {record: w.*, labels: {of: $1}}}", 100, 0, 100)
	tokens, err := access.NewList([]access.Token{{Token: "t", Read: []string{"w.b"}}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	ctx := series.WithGrants(t.Context(), tokens.Token("t"))
	if got, want := read(t, ctx, q), (map[string][]point{`{__name__="m", of="b"}`: {{1, 2}}}); !reflect.DeepEqual(got, want) {
		t.Errorf("got %v", got)
	}
	if got, _, err := q.LabelValues(ctx, "of", nil); err != nil || !reflect.DeepEqual(got, []string{"b"}) {
		t.Errorf("got %v, %v", got, err)
	}
}
