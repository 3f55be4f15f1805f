package api

import (
	"bytes"
	"net/http"
	"slices"
	"strings"
	"time"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/storage"
	"github.com/prometheus/prometheus/tsdb/chunkenc"
	"google.golang.org/protobuf/proto"
)

// federate writes the newest sample of each series that match[] selects, for another
// Prometheus to scrape. Samples older than the lookback are left out.
func (a *API) federate(w http.ResponseWriter, r *http.Request) {
	if err := r.ParseForm(); err != nil {
		http.Error(w, "error parsing form values: "+err.Error(), http.StatusBadRequest)
		return
	}
	sets, f := a.matchers(r)
	if f != nil {
		http.Error(w, f.err.Error(), f.status)
		return
	}
	// A scrape is a query like others.
	slot, err := a.slots.Insert(r.Context(), "federate")
	if err != nil {
		http.Error(w, err.Error(), statusClientGone)
		return
	}
	defer a.slots.Delete(slot)
	families, err := a.newest(r, sets)
	if err != nil {
		f := failed(err)
		http.Error(w, err.Error(), f.status)
		return
	}
	format := expfmt.NegotiateAccept(r.Header, expfmt.NewFormat(expfmt.TypeProtoDelim), expfmt.NewFormat(expfmt.TypeTextPlain))
	var body bytes.Buffer
	encoder := expfmt.NewEncoder(&body, format)
	for _, family := range families {
		if err := encoder.Encode(family); err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
	}
	w.Header().Set("Content-Type", string(format))
	_, _ = w.Write(body.Bytes()) // the client may have gone
}

// newest returns the newest samples by metric.
func (a *API) newest(r *http.Request, matchers [][]*labels.Matcher) ([]*dto.MetricFamily, error) {
	now := time.Now()
	q, err := a.config.Storage.Querier(now.Add(-a.config.Lookback).UnixMilli(), now.UnixMilli())
	if err != nil {
		return nil, err
	}
	var sets []storage.SeriesSet
	for _, m := range matchers {
		sets = append(sets, q.Select(r.Context(), true, nil, m...))
	}
	set := storage.NewMergeSeriesSet(sets, 0, storage.ChainedSeriesMerge)
	byName := map[string]*dto.MetricFamily{}
	var families []*dto.MetricFamily
	for set.Next() {
		series := set.At()
		sample, some := last(series.Iterator(nil))
		if !some {
			continue
		}
		name := series.Labels().Get(model.MetricNameLabel)
		if byName[name] == nil {
			byName[name] = &dto.MetricFamily{Name: proto.String(name), Type: dto.MetricType_UNTYPED.Enum()}
			families = append(families, byName[name])
		}
		series.Labels().Range(func(l labels.Label) {
			if l.Name != model.MetricNameLabel {
				sample.Label = append(sample.Label, &dto.LabelPair{Name: proto.String(l.Name), Value: proto.String(l.Value)})
			}
		})
		byName[name].Metric = append(byName[name].Metric, sample)
	}
	slices.SortFunc(families, func(a, b *dto.MetricFamily) int { return strings.Compare(a.GetName(), b.GetName()) })
	return families, set.Err()
}

// last returns the newest sample of a series.
func last(it chunkenc.Iterator) (sample *dto.Metric, some bool) {
	var ms int64
	var number float64
	for it.Next() == chunkenc.ValFloat {
		ms, number = it.At()
		some = true
	}
	return &dto.Metric{TimestampMs: proto.Int64(ms), Untyped: &dto.Untyped{Value: proto.Float64(number)}}, some
}
