package httpapi

import (
	"bufio"
	"encoding/csv"
	"encoding/json"
	"net/http"
	"strconv"
	"strings"

	"github.com/aimdb-go/aimdb/history"
)

// The columns of CSV.
const (
	rowHeader = iota
	bucketHeader
)

// table writes rows as NDJSON or CSV. The first error ends it.
type table struct {
	q    *request
	out  *bufio.Writer
	json *json.Encoder // nil for CSV
	csv  *csv.Writer
	err  error
}

// table begins an answer.
func (q *request) table(format string, header int) *table {
	t := &table{q: q, out: bufio.NewWriterSize(q, 16<<10)}
	if format == formatNDJSON {
		q.w.Header().Set("Content-Type", "application/x-ndjson")
		t.json = json.NewEncoder(t.out)
		t.json.SetEscapeHTML(false)
		return t
	}
	q.w.Header().Set("Content-Type", "text/csv; charset=utf-8; header=present")
	t.csv = csv.NewWriter(t.out)
	columns := []string{"record", "time", "value"}
	if header == bucketHeader {
		columns = []string{"record", "start", "count", "missing", "not_numeric", "min", "max", "mean", "sum", "first", "last"}
	}
	t.err = t.csv.Write(columns)
	return t
}

func (t *table) row(r row) {
	if t.err != nil || t.q.r.Method == http.MethodHead {
		return
	}
	if t.json != nil {
		t.err = t.json.Encode(r)
		return
	}
	t.err = t.csv.Write([]string{cell(r.Record), strconv.FormatInt(r.Time, 10), string(r.Value)})
}

func (t *table) bucket(b history.Bucket) {
	if t.err != nil || t.q.r.Method == http.MethodHead {
		return
	}
	if t.json != nil {
		t.err = t.json.Encode(b)
		return
	}
	columns := []string{cell(b.Record)}
	for _, n := range []int64{b.Start, b.Count, b.Missing, b.NotNumeric} {
		columns = append(columns, strconv.FormatInt(n, 10))
	}
	for _, n := range []float64{b.Min, b.Max, b.Mean, b.Sum, b.First, b.Last} {
		columns = append(columns, strconv.FormatFloat(n, 'g', -1, 64))
	}
	if b.Count == 0 { // of no numbers there is only a sum
		columns[5], columns[6], columns[7], columns[9], columns[10] = "", "", "", "", ""
	}
	t.err = t.csv.Write(columns)
}

// cell returns a key for CSV. A spreadsheet computes a cell that begins like a formula, and
// some commands in it: such a key comes after a quote, which no key has.
func cell(key string) string {
	if strings.IndexAny(key, "=+-@＝＋－＠") == 0 {
		return "'" + key
	}
	return key
}

// flush sends what there is.
func (t *table) flush() error {
	if t.csv != nil {
		t.csv.Flush()
		if t.err == nil {
			t.err = t.csv.Error()
		}
	}
	if t.err == nil {
		t.err = t.out.Flush()
	}
	return t.err
}

// end ends the answer. A client that has left gets none.
func (t *table) end() *problem {
	_ = t.flush()
	return nil
}
