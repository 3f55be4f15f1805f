package ndjson_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/klauspost/compress/zstd"

	"github.com/aimdb-go/aimdb/history"
	"github.com/aimdb-go/aimdb/sinks"
	"github.com/aimdb-go/aimdb/sinks/ndjson"
)

const benchBatchRows = 4096

func benchBatch(from int) *sinks.Batch {
	b := &sinks.Batch{Checkpoint: history.Position{Log: "bench", Sequence: uint64(from + benchBatchRows - 1)}}
	r := rand.New(rand.NewPCG(uint64(from), 1)) // measured values hardly repeat
	for n := from; n < from+benchBatchRows; n++ {
		b.Entries = append(b.Entries, sinks.Entry{
			Sequence: uint64(n), Record: fmt.Sprintf("accuracy::city%03d", n%100), Time: int64(n) * 1000,
			Value: fmt.Appendf(nil, `{"city":"city%03d","forecast_celsius":%.2f,"actual_celsius":%.2f,"error_celsius":%.2f,"lead_hours":24,"within_tolerance":true,"n":%d}`, n%100, r.Float64()*40, r.Float64()*40, r.Float64(), n),
		})
	}
	return b
}

// BenchmarkWrite writes batches of 4096 rows in turns with one that compresses the same
// lines, which it is given, and appends them to a file. Both sync each batch. x-bare is
// how fast the sink is beside that one, by the medians.
func BenchmarkWrite(b *testing.B) {
	b.Run("ndjson", func(b *testing.B) {
		s, bare := open(b, b.TempDir()), openBare(b)
		var sink, plain []time.Duration
		rows := 0
		for b.Loop() {
			batch := benchBatch(rows + 1)
			lines := benchLines(b, batch)
			rows += len(batch.Entries)
			first := func() { sink = append(sink, elapsed(func() { write(b, s, batch) })) }
			second := func() { plain = append(plain, elapsed(func() { bare.write(b, lines) })) }
			if rows/benchBatchRows%2 == 0 {
				first, second = second, first
			}
			first()
			second()
		}
		ours, theirs := median(sink).Seconds(), median(plain).Seconds()
		b.ReportMetric(benchBatchRows/ours, "rows/s")
		b.ReportMetric(benchBatchRows/theirs, "bare-rows/s")
		b.ReportMetric(theirs/ours, "x-bare")
	})
}

func median(all []time.Duration) time.Duration {
	slices.Sort(all)
	return all[len(all)/2]
}

func elapsed(do func()) time.Duration {
	begin := time.Now()
	do()
	return time.Since(begin)
}

func benchLines(b *testing.B, batch *sinks.Batch) (lines []byte) {
	b.Helper()
	var err error
	for _, e := range batch.Entries {
		if lines, err = ndjson.AppendRow(lines, history.Row{Record: e.Record, Time: e.Time, Value: e.Value}); err != nil {
			b.Fatal(err)
		}
	}
	return lines
}

// bareFile is a file of compressed lines and nothing else.
type bareFile struct {
	file    *os.File
	encoder *zstd.Encoder
	frame   []byte
}

func openBare(b *testing.B) *bareFile {
	b.Helper()
	f, err := os.Create(filepath.Join(b.TempDir(), "bare.zst"))
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = f.Close() })
	encoder, err := zstd.NewWriter(nil, zstd.WithEncoderConcurrency(1))
	if err != nil {
		b.Fatal(err)
	}
	return &bareFile{file: f, encoder: encoder}
}

func (f *bareFile) write(b *testing.B, lines []byte) {
	b.Helper()
	f.frame = f.encoder.EncodeAll(lines, f.frame[:0])
	if _, err := f.file.Write(f.frame); err != nil {
		b.Fatal(err)
	}
	if err := f.file.Sync(); err != nil {
		b.Fatal(err)
	}
}
