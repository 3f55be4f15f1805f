package httpapi

import (
	"encoding/json"
	"net/http"
	"strings"

	"github.com/aimdb-go/aimdb/history"
)

func queryParams() []string {
	return []string{"kind", "pattern", "start", "end", "order", "limit", "per_record", "cursor", "width", "path", "format"}
}

const (
	// defaultRows is the limit of a page in JSON, pageRows the most of one.
	defaultRows = 1000
	pageRows    = 10_000
	// mostRows is the largest limit.
	mostRows = 1_000_000_000
)

// The formats of an answer.
const (
	formatJSON   = "json"
	formatNDJSON = "ndjson"
	formatCSV    = "csv"
)

// row is a stored value as the gateway answers it.
type row struct {
	Record string          `json:"record"`
	Time   int64           `json:"time"`
	Value  json.RawMessage `json:"value"`
}

// page is one page of rows.
type page struct {
	Rows    []row  `json:"rows"`
	LeftOut int64  `json:"left_out"`
	MaxID   int64  `json:"max_id"`
	Next    string `json:"next"`
}

// query answers GET /api/query.
func (q *request) query() *problem {
	kind, p := q.oneOf("kind", "range", "latest", "buckets")
	if p == nil {
		p = q.fits(kind)
	}
	if p != nil {
		return p
	}
	format, p := q.format()
	if p != nil {
		return p
	}
	params, p := q.scope()
	if p != nil {
		return p
	}
	switch kind {
	case "latest":
		return q.latest(params, format)
	case "buckets":
		return q.buckets(params, format)
	}
	return q.rangeRows(params, format)
}

// fits refuses parameters that another kind of query has.
func (q *request) fits(kind string) *problem {
	without := map[string][]string{
		"range":   {"width", "path"},
		"latest":  {"width", "path", "order", "per_record", "cursor"},
		"buckets": {"limit", "order", "per_record", "cursor"},
	}
	for _, name := range without[kind] {
		if q.params.Has(name) {
			return wrongParameter(name, "a query of the kind %s does not have it", kind)
		}
	}
	return nil
}

// format returns the format of the answer: that of the parameter, or the first one in
// Accept that there is.
func (q *request) format() (string, *problem) {
	if q.params.Get("format") == "" {
		for kind := range strings.SplitSeq(q.r.Header.Get("Accept"), ",") {
			kind, _, _ = strings.Cut(kind, ";")
			switch strings.TrimSpace(kind) {
			case "application/json":
				return formatJSON, nil
			case "application/x-ndjson":
				return formatNDJSON, nil
			case "text/csv":
				return formatCSV, nil
			}
		}
	}
	return q.oneOf("format", formatJSON, formatNDJSON, formatCSV)
}

// scope returns pattern and window as the gateway takes them.
func (q *request) scope() (map[string]any, *problem) {
	pattern, p := q.pattern()
	if p != nil {
		return nil, p
	}
	params := map[string]any{"pattern": pattern}
	var ends [2]*int64
	for i, name := range []string{"start", "end"} {
		if ends[i], p = q.time(name); p != nil {
			return nil, p
		}
		if ends[i] != nil {
			params[name] = *ends[i]
		}
	}
	if ends[0] != nil && ends[1] != nil && *ends[0] > *ends[1] {
		return nil, wrongParameter("start", "it is after the end")
	}
	return params, nil
}

// latest answers with the newest rows of each record, oldest first.
func (q *request) latest(params map[string]any, format string) *problem {
	limit, p := q.number("limit", 1, 1, 100_000)
	if p != nil {
		return p
	}
	params["name"], params["limit"] = params["pattern"], limit
	delete(params, "pattern")
	var answer struct {
		Records []struct {
			Topic   string          `json:"topic"`
			Payload json.RawMessage `json:"payload"`
			Time    int64           `json:"ts"`
		} `json:"records"`
	}
	if p := q.call("record.query", params, &answer); p != nil {
		return p
	}
	rows := make([]row, len(answer.Records))
	for i, r := range answer.Records {
		rows[i] = row{r.Topic, r.Time, r.Payload}
	}
	if format == formatJSON {
		return q.json(http.StatusOK, map[string]any{"rows": rows})
	}
	out := q.table(format, rowHeader)
	for _, r := range rows {
		out.row(r)
	}
	return out.end()
}

// rangeRows answers with the rows of a window: a page of them as JSON, or all up to the
// limit as they are read.
func (q *request) rangeRows(params map[string]any, format string) *problem {
	order, p := q.oneOf("order", "asc", "desc")
	if p != nil {
		return p
	}
	absent, most := defaultRows, pageRows
	if format != formatJSON {
		absent, most = mostRows, mostRows
	}
	limit, p := q.number("limit", absent, 1, most)
	if p != nil {
		return p
	}
	each, p := q.number("per_record", 0, 0, mostRows)
	if p != nil {
		return p
	}
	params["descending"], params["per_record"] = order == "desc", each
	params["limit"], params["cursor"] = min(limit, pageRows), q.params.Get("cursor")
	if format != formatJSON {
		return q.stepThrough(params, limit, format)
	}
	raw, p := q.rawCall(q.r.Context(), "history.page", params)
	if p != nil {
		return p
	}
	return q.text(http.StatusOK, "application/json", append(raw, '\n'))
}

// stepThrough writes rows page by page. The trailer Next-Cursor has the cursor of what
// follows, if the limit ended the answer.
func (q *request) stepThrough(params map[string]any, limit int, format string) *problem {
	var out *table
	for {
		params["limit"] = min(limit, pageRows)
		var next page
		if p := q.call("history.page", params, &next); p != nil {
			if out == nil {
				return p
			}
			panic(http.ErrAbortHandler) // the client sees that the answer is not complete
		}
		if out == nil {
			q.w.Header().Set("Trailer", "Next-Cursor")
			out = q.table(format, rowHeader)
		}
		for _, r := range next.Rows {
			out.row(r)
		}
		limit -= len(next.Rows) + int(next.LeftOut)
		params["cursor"], params["max_id"] = next.Next, next.MaxID
		if next.Next == "" || limit <= 0 || q.r.Method == http.MethodHead {
			q.w.Header().Set("Next-Cursor", next.Next)
			return out.end()
		}
		if out.flush() != nil {
			return nil // the client has left
		}
	}
}

// buckets answers with the buckets of a number.
func (q *request) buckets(params map[string]any, format string) *problem {
	width, p := q.width()
	if p != nil {
		return p
	}
	params["width"], params["path"] = width, q.params.Get("path")
	if _, err := history.ParsePath(q.params.Get("path")); err != nil {
		return wrongParameter("path", "%v", err)
	}
	raw, p := q.rawCall(q.r.Context(), "history.buckets", params)
	if p != nil {
		return p
	}
	if format == formatJSON {
		return q.text(http.StatusOK, "application/json", append(raw, '\n'))
	}
	var answer struct {
		Buckets []history.Bucket `json:"buckets"`
	}
	if err := json.Unmarshal(raw, &answer); err != nil {
		return problemf(http.StatusInternalServerError, "the buckets cannot be read: %v", err)
	}
	out := q.table(format, bucketHeader)
	for _, b := range answer.Buckets {
		out.bucket(b)
	}
	return out.end()
}
