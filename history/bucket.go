package history

import (
	"github.com/aimdb-go/aimdb/key"
	"time"
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
	// An optional "$" or "$." may stand in front. Empty or "$" is the value
	// itself.
	Path string
}

// Bucket is the summary of one record over one span of time. Buckets without
// rows are left out. Min, Max, Mean, Sum, First and Last are 0 if Count is 0.
type Bucket struct {
	Record string `json:"record"`
	// Start is the first millisecond of the bucket, Unix time.
	Start int64 `json:"start"`
	// Count is the number of rows that hold the number.
	Count int64 `json:"count"`
	// Missing is the number of rows that have nothing at the path, or null.
	Missing int64 `json:"missing"`
	// NotNumeric is the number of rows that have something else there, or
	// whose value is not JSON.
	NotNumeric int64   `json:"not_numeric"`
	Min        float64 `json:"min"`
	Max        float64 `json:"max"`
	Mean       float64 `json:"mean"`
	Sum        float64 `json:"sum"`
	// First and Last are the numbers of the oldest and the newest row.
	First float64 `json:"first"`
	Last  float64 `json:"last"`
}
