package series

import (
	"slices"

	"github.com/prometheus/prometheus/model/histogram"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/storage"
	"github.com/prometheus/prometheus/tsdb/chunkenc"
	"github.com/prometheus/prometheus/tsdb/chunks"
	"github.com/prometheus/prometheus/util/annotations"
)

// sample is a number and its time in Unix milliseconds. It implements chunks.Sample.
type sample struct {
	time   int64
	number float64
}

// T implements chunks.Sample.
func (s *sample) T() int64 { return s.time }

// ST implements chunks.Sample. Rows do not say when their count began.
func (s *sample) ST() int64 { return 0 }

// F implements chunks.Sample.
func (s *sample) F() float64 { return s.number }

// H implements chunks.Sample. There are no histograms.
func (s *sample) H() *histogram.Histogram { return nil }

// FH implements chunks.Sample. There are no histograms.
func (s *sample) FH() *histogram.FloatHistogram { return nil }

// Type implements chunks.Sample.
func (s *sample) Type() chunkenc.ValueType { return chunkenc.ValFloat }

// Copy implements chunks.Sample.
func (s *sample) Copy() chunks.Sample { c := *s; return &c }

// samples is one series. It implements storage.Series and storage.Samples.
type samples struct {
	labels labels.Labels
	all    []sample // by time, no two of one
}

// add appends a sample, or replaces the last one if that has the same time.
func (s *samples) add(one sample) {
	if n := len(s.all); n > 0 && s.all[n-1].time == one.time {
		s.all[n-1] = one
		return
	}
	s.all = append(s.all, one)
}

// Get implements storage.Samples.
func (s *samples) Get(i int) chunks.Sample { return &s.all[i] }

// Len implements storage.Samples.
func (s *samples) Len() int { return len(s.all) }

// Labels implements storage.Series.
func (s *samples) Labels() labels.Labels { return s.labels }

// Iterator implements storage.Series.
func (s *samples) Iterator(chunkenc.Iterator) chunkenc.Iterator {
	return storage.NewListSeriesIterator(s)
}

// set is a storage.SeriesSet.
type set struct {
	all []*samples
	at  int
}

// newSet sorts series by their labels.
func newSet(all []*samples) storage.SeriesSet {
	slices.SortFunc(all, func(a, b *samples) int { return labels.Compare(a.labels, b.labels) })
	return &set{all: all, at: -1}
}

// Next implements storage.SeriesSet.
func (s *set) Next() bool { s.at++; return s.at < len(s.all) }

// At implements storage.SeriesSet.
func (s *set) At() storage.Series { return s.all[s.at] }

// Err implements storage.SeriesSet.
func (s *set) Err() error { return nil }

// Warnings implements storage.SeriesSet.
func (s *set) Warnings() annotations.Annotations { return nil }
