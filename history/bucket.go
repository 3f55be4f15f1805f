package history

import (
	"encoding/json"
	"iter"
	"math"
	"time"

	"github.com/aimdb-go/aimdb/key"
)

// BucketQuery asks for a summary of a number inside the values of every record
// that matches a pattern, over spans of one width.
type BucketQuery struct {
	Pattern key.Pattern
	Window  Window
	// Width is the span of one bucket, in whole milliseconds. Buckets start
	// at multiples of it since the Unix epoch.
	Width time.Duration
	// Path names the number: member names separated by dots, with [n] for
	// elements of arrays, such as "error_celsius", "wind.gust" or "list[0].t".
	// An optional "$" or "$." may stand in front. A path that begins with "/" is a
	// JSON Pointer, such as "/wind/gust" or "/list/0/t". Empty or "$" is the value
	// itself.
	Path string
}

// Bucket is the summary of one record over one span of time. Buckets without
// rows are left out. Min, Max, Mean, Sum, First and Last are 0 if Count is 0; in JSON
// all of them but the sum are null then.
type Bucket struct {
	Record string `json:"record"`
	// Start is the first millisecond of the bucket, Unix time.
	Start int64 `json:"start"`
	// Count is the number of rows that hold the number.
	Count int64 `json:"count"`
	// Missing is the number of rows that have nothing at the path, or null.
	Missing int64 `json:"missing"`
	// NotNumeric is the number of rows that have something else there, whose
	// value is not JSON, or whose number is too large for a float64 or with the
	// others for its sum.
	NotNumeric int64   `json:"not_numeric"`
	Min        float64 `json:"min"`
	Max        float64 `json:"max"`
	Mean       float64 `json:"mean"`
	Sum        float64 `json:"sum"`
	// First and Last are the numbers of the oldest and the newest row.
	First float64 `json:"first"`
	Last  float64 `json:"last"`
}

// MarshalJSON writes null for what a bucket without numbers does not have. A null is read
// as 0.
func (b Bucket) MarshalJSON() ([]byte, error) {
	type plain Bucket
	if b.Count > 0 {
		return json.Marshal(plain(b))
	}
	return json.Marshal(struct {
		plain
		Min   *float64 `json:"min"`
		Max   *float64 `json:"max"`
		Mean  *float64 `json:"mean"`
		First *float64 `json:"first"`
		Last  *float64 `json:"last"`
	}{plain: plain(b)})
}

// SampleKind says what a row has at the path of a BucketQuery.
type SampleKind uint8

// The kinds of a Sample.
const (
	// Numeric is a JSON number.
	Numeric SampleKind = iota
	// Missing is nothing, or null.
	Missing
	// NotNumeric is anything else, a number that a float64 cannot hold, or a
	// value that is not JSON.
	NotNumeric
)

// Sample is what one row contributes to a bucket.
type Sample struct {
	Time   int64
	Kind   SampleKind
	Number float64
}

// Summarize puts the samples of one record, in the order of a range, into
// buckets. An error ends both sequences.
func Summarize(record string, width time.Duration, samples iter.Seq2[Sample, error]) iter.Seq2[Bucket, error] {
	return func(yield func(Bucket, error) bool) {
		var b *Bucket
		for s, err := range samples {
			if err != nil {
				yield(Bucket{}, err)
				return
			}
			start := bucketStart(s.Time, width.Milliseconds())
			if b != nil && b.Start != start {
				if !yield(*b, nil) {
					return
				}
				b = nil
			}
			if b == nil {
				b = &Bucket{Record: record, Start: start}
			}
			b.add(s)
		}
		if b != nil {
			yield(*b, nil)
		}
	}
}

func (b *Bucket) add(s Sample) {
	sum := b.Sum + s.Number
	switch {
	case s.Kind == Missing:
		b.Missing++
		return
	case s.Kind == NotNumeric || math.IsInf(sum, 0) || math.IsNaN(sum):
		b.NotNumeric++
		return
	}
	if b.Count == 0 {
		b.Min, b.Max, b.First = s.Number, s.Number, s.Number
	}
	b.Count++
	b.Min, b.Max, b.Last = min(b.Min, s.Number), max(b.Max, s.Number), s.Number
	b.Sum = sum
	b.Mean = b.Sum / float64(b.Count)
}

// bucketStart returns the multiple of a width at or below a time, also before
// 1970.
func bucketStart(ms, width int64) int64 {
	over := ms % width
	if over < 0 {
		over += width
	}
	if ms < math.MinInt64+over {
		return math.MinInt64
	}
	return ms - over
}
