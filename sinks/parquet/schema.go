package parquet

import (
	"io"

	pq "github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/compress/zstd"

	"github.com/aimdb-go/aimdb/sinks"
)

// row is a row of a file.
type row struct {
	RecordName string `parquet:"record_name,dict"`
	StoredAt   int64  `parquet:"stored_at,timestamp(millisecond)"`
	ValueJSON  []byte `parquet:"value_json,json"`
	Sequence   int64  `parquet:"sequence,optional"`
}

const (
	// groupRows and groupBytes bound a row group, which the writer holds in memory.
	groupRows  = 128 << 10
	groupBytes = 32 << 20
	// batchRows are written or read at once.
	batchRows = 512
)

// Writer writes one Parquet file, also to a pipe. Its memory is bounded by one row group
// of 32 MB.
type Writer struct {
	out  *pq.GenericWriter[row]
	rows int64
	// shapes are the versions of the rows, if any is not 0.
	shapes []shapeRun
	// batch are rows whose values are in values.
	batch  []row
	values []byte
	// group and size are the rows and the bytes of the row group.
	group, size int
}

// NewWriter begins a file. The caller closes the writer, not w.
func NewWriter(w io.Writer) *Writer {
	return &Writer{out: pq.NewGenericWriter[row](w,
		pq.Compression(&zstd.Codec{Level: zstd.SpeedDefault, Concurrency: 1}),
		pq.SkipPageBounds("value_json"), pq.SkipPageStatistics("value_json"))}
}

// Write adds a row. It keeps nothing of the entry.
func (w *Writer) Write(e sinks.Entry) error {
	w.noteShape(e.Shape)
	at := len(w.values)
	w.values = append(w.values, e.Value...)
	w.batch = append(w.batch, row{e.Record, e.Time, w.values[at:], int64(e.Sequence)})
	w.rows++
	w.size += len(e.Value) + len(e.Record)
	if len(w.batch) < batchRows && w.size < groupBytes {
		return nil
	}
	if err := w.writeBatch(); err != nil {
		return err
	}
	if w.group < groupRows && w.size < groupBytes {
		return nil
	}
	w.group, w.size = 0, 0
	return w.out.Flush()
}

func (w *Writer) writeBatch() error {
	_, err := w.out.Write(w.batch)
	w.group += len(w.batch)
	w.batch, w.values = w.batch[:0], w.values[:0]
	return err
}

// Rows is the number of rows written.
func (w *Writer) Rows() int64 { return w.rows }

// Close finishes the file.
func (w *Writer) Close() error {
	if err := w.writeBatch(); err != nil {
		return err
	}
	if err := w.keepShapes(); err != nil {
		return err
	}
	return w.out.Close()
}
