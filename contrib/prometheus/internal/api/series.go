package api

import (
	"math"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/storage"
	"github.com/prometheus/prometheus/util/annotations"
)

// selection is what series and labels are asked by.
type selection struct {
	querier  storage.Querier
	matchers [][]*labels.Matcher
	limit    int
}

func (a *API) selection(r *http.Request) (s selection, f *failure) {
	if s.limit, f = limitParam(r); f != nil {
		return s, f
	}
	start, f := timeParam(r, "start", math.MinInt64)
	if f != nil {
		return s, f
	}
	end, f := timeParam(r, "end", math.MaxInt64)
	if f != nil {
		return s, f
	}
	if s.matchers, f = a.matchers(r); f != nil {
		return s, f
	}
	var err error
	if s.querier, err = a.config.Storage.Querier(start, end); err != nil {
		return s, failed(err)
	}
	return s, nil
}

// series lists the series that match.
func (a *API) series(r *http.Request) (answer, *failure) {
	if len(r.Form["match[]"]) == 0 {
		return answer{}, failf(badData, http.StatusBadRequest, "no match[] parameter provided")
	}
	s, f := a.selection(r)
	if f != nil {
		return answer{}, f
	}
	var sets []storage.SeriesSet
	for _, m := range s.matchers {
		sets = append(sets, s.querier.Select(r.Context(), true, &storage.SelectHints{Func: "series"}, m...))
	}
	set := storage.NewMergeSeriesSet(sets, 0, storage.ChainedSeriesMerge)
	found := []map[string]string{}
	for set.Next() {
		found = append(found, set.At().Labels().Map())
	}
	if err := set.Err(); err != nil {
		return answer{}, failed(err)
	}
	return limited(found, s.limit), nil
}

// labelNames lists the names of labels.
func (a *API) labelNames(r *http.Request) (answer, *failure) {
	return a.texts(r, func(q storage.Querier, m []*labels.Matcher) ([]string, annotations.Annotations, error) {
		return q.LabelNames(r.Context(), nil, m...)
	})
}

// labelValues lists the values of a label.
func (a *API) labelValues(r *http.Request) (answer, *failure) {
	name := r.PathValue("name")
	if strings.HasPrefix(name, "U__") {
		name = model.UnescapeName(name, model.ValueEncodingEscaping)
	}
	if !model.UTF8Validation.IsValidLabelName(name) {
		return answer{}, failf(badData, http.StatusBadRequest, "invalid label name: %q", name)
	}
	return a.texts(r, func(q storage.Querier, m []*labels.Matcher) ([]string, annotations.Annotations, error) {
		return q.LabelValues(r.Context(), name, nil, m...)
	})
}

// texts asks once for each selector, or once without, and joins the answers.
func (a *API) texts(r *http.Request, ask func(storage.Querier, []*labels.Matcher) ([]string, annotations.Annotations, error)) (answer, *failure) {
	s, f := a.selection(r)
	if f != nil {
		return answer{}, f
	}
	if len(s.matchers) == 0 {
		s.matchers = [][]*labels.Matcher{nil}
	}
	all := []string{}
	for _, m := range s.matchers {
		texts, _, err := ask(s.querier, m)
		if err != nil {
			return answer{}, failed(err)
		}
		all = append(all, texts...)
	}
	slices.Sort(all)
	return limited(slices.Compact(all), s.limit), nil
}

func limited[T any](all []T, limit int) (got answer) {
	if limit > 0 && len(all) > limit {
		all = all[:limit]
		truncated(&got.warnings)
	}
	got.data = all
	return got
}

// metadata is what the declaration of a metric says.
type metadata struct {
	Type model.MetricType `json:"type"`
	Help string           `json:"help"`
	Unit string           `json:"unit"`
}

// metadata lists what the declarations say.
func (a *API) metadata(r *http.Request) (answer, *failure) {
	limit := -1
	if text := r.FormValue("limit"); text != "" {
		var err error
		if limit, err = strconv.Atoi(text); err != nil {
			return answer{}, failf(badData, http.StatusBadRequest, "limit must be a number")
		}
	}
	only := r.FormValue("metric")
	all := map[string][]metadata{}
	for _, m := range a.config.Storage.Metrics() {
		if limit >= 0 && len(all) >= limit {
			break
		}
		if only == "" || only == m.Name {
			all[m.Name] = []metadata{{m.Type, m.Help, m.Unit}}
		}
	}
	return answer{data: all}, nil
}
