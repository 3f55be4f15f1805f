package main

import (
	"fmt"
	"iter"
	"math"

	"github.com/spf13/cobra"

	"github.com/aimdb-go/aimdb/history"
)

// printBuckets prints summaries of the numbers at a path.
func printBuckets(cmd *cobra.Command, f format, path string, buckets iter.Seq2[history.Bucket, error]) error {
	var all found
	l := columns("RECORD", "START", "COUNT", "MIN", "MEAN", "MAX", "FIRST", "LAST", "SUM", "MISSING", "NOT NUMERIC")
	err := printAll(cmd, f, l, all.of(buckets), func(b history.Bucket) []any {
		of := short
		if b.Count == 0 {
			of = func(float64) amount { return "-" }
		}
		return []any{b.Record, formatTime(b.Start), b.Count, of(b.Min), of(b.Mean), of(b.Max),
			of(b.First), of(b.Last), short(b.Sum), b.Missing, b.NotNumeric}
	})
	if err == nil {
		all.sayNoNumber(cmd, path)
	}
	return err
}

// short is a number with at most six digits, or all digits of a whole number that a
// float64 holds exactly.
func short(f float64) amount {
	if f == math.Trunc(f) && math.Abs(f) < 1<<53 {
		return amount(fmt.Sprintf("%.0f", f))
	}
	return amount(fmt.Sprintf("%.6g", f))
}
