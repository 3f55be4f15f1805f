package parquet_test

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/aimdb-go/aimdb/history"
	"github.com/aimdb-go/aimdb/sinks"
	"github.com/aimdb-go/aimdb/sinks/ndjson"
	"github.com/aimdb-go/aimdb/sinks/parquet"
)

const benchBatchRows = 4096

func benchBatch(from int) *sinks.Batch {
	b := &sinks.Batch{Checkpoint: history.Position{Log: "bench", Sequence: uint64(from + benchBatchRows - 1)}}
	if from > 1 {
		b.Previous = history.Position{Log: "bench", Sequence: uint64(from - 1)}
	}
	r := rand.New(rand.NewPCG(uint64(from), 1)) // measured values hardly repeat
	for n := from; n < from+benchBatchRows; n++ {
		b.Entries = append(b.Entries, sinks.Entry{
			Sequence: uint64(n), Record: fmt.Sprintf("accuracy::city%03d", n%100), Time: int64(n) * 1000,
			Value: fmt.Appendf(nil, `{"city":"city%03d","forecast_celsius":%.2f,"actual_celsius":%.2f,"error_celsius":%.2f,"lead_hours":24,"within_tolerance":true,"n":%d}`, n%100, r.Float64()*40, r.Float64()*40, r.Float64(), n),
		})
	}
	return b
}

// BenchmarkWrite writes batches of 4096 rows of 100 records into a sink and, in turns,
// into the ndjson one. rows/s includes the conversion of all of them at the end, and
// staged-rows/s does not. x-ndjson is how fast the sink is beside the other one, and
// x-size how long its files are.
func BenchmarkWrite(b *testing.B) {
	b.Run("parquet", func(b *testing.B) {
		dir := b.TempDir()
		s := open(b, parquet.Config{Dir: dir, RotateBytes: 1 << 40})
		other, err := ndjson.Open(b.TempDir())
		if err != nil {
			b.Fatal(err)
		}
		defer func() { _ = other.Close() }()
		var staged, plain time.Duration
		rows := 0
		timed := func(sum *time.Duration, to sinks.Sink, batch *sinks.Batch) {
			begin := time.Now()
			if err := to.Write(b.Context(), batch); err != nil {
				b.Fatal(err)
			}
			*sum += time.Since(begin)
		}
		for b.Loop() {
			batch := benchBatch(rows + 1)
			rows += len(batch.Entries)
			timed(&staged, s, batch)
			timed(&plain, other, batch)
		}
		begin := time.Now()
		rotate(b, s)
		whole := staged + time.Since(begin)
		if err := other.Rotate(); err != nil {
			b.Fatal(err)
		}
		size, lines := int64(0), int64(0)
		manifests, err := parquet.ReadManifests(dir)
		if err != nil {
			b.Fatal(err)
		}
		for _, m := range manifests {
			for _, f := range m.Files {
				size += f.Bytes
			}
		}
		for _, f := range other.Files() {
			lines += f.Bytes
		}
		b.ReportMetric(float64(rows)/whole.Seconds(), "rows/s")
		b.ReportMetric(float64(rows)/staged.Seconds(), "staged-rows/s")
		b.ReportMetric(float64(plain)/float64(whole), "x-ndjson")
		b.ReportMetric(float64(size)/float64(lines), "x-size")
	})
}
