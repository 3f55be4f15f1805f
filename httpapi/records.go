package httpapi

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"strconv"
	"strings"

	"github.com/aimdb-go/aimdb/aimx"
	"github.com/aimdb-go/aimdb/aimx/gateway"
	"github.com/aimdb-go/aimdb/key"
)

// Bounds of a page of records.
const (
	defaultRecords = 1000
	mostRecords    = 10_000
)

// recordList is the answer to GET /api/records.
type recordList struct {
	Records []aimx.RecordInfo `json:"records"`
	Next    string            `json:"next"`
}

// list answers GET /api/records. The cursor is the number of the last record.
func (q *request) list() *problem {
	pattern, p := q.pattern()
	if p != nil {
		return p
	}
	limit, p := q.number("limit", defaultRecords, 1, mostRecords)
	if p != nil {
		return p
	}
	after, p := q.number("cursor", -1, 0, 1<<31-1)
	if p != nil {
		return p
	}
	all, p := q.infos(pattern)
	if p != nil {
		return p
	}
	page := recordList{Records: []aimx.RecordInfo{}}
	for _, info := range all {
		if info.ID <= after {
			continue
		}
		if len(page.Records) == limit {
			page.Next = strconv.Itoa(page.Records[limit-1].ID)
			break
		}
		page.Records = append(page.Records, info)
	}
	return q.json(http.StatusOK, page)
}

// infos returns the records that match a pattern and that the client may see.
func (q *request) infos(pattern string) (all []aimx.RecordInfo, p *problem) {
	return all, q.call("record.list", map[string]any{"pattern": pattern}, &all)
}

// record is the answer to GET /api/records/{key}.
type record struct {
	Record string          `json:"record"`
	Time   int64           `json:"time,omitempty"`
	Value  json.RawMessage `json:"value"`
	Meta   aimx.RecordInfo `json:"meta"`
}

// get answers GET /api/records/{key}.
func (q *request) get() *problem {
	if _, err := key.Parse(q.key); err != nil {
		return problemf(http.StatusBadRequest, "%v", err)
	}
	infos, p := q.infos(q.key)
	if p != nil {
		return p
	}
	u, ok := q.db.Registry().Lookup(q.key)
	switch {
	case !q.grants.Reads(q.key), ok && !q.grants.Reads(u.Key()):
		return problemf(http.StatusForbidden, "the token or user does not grant reading %q", q.key)
	case !ok || len(infos) != 1:
		return problemf(http.StatusNotFound, "there is no record %q", q.key)
	case !u.Config().Remote:
		return problemf(http.StatusForbidden, "record %q is not exposed; register it with Remote", q.key)
	}
	value, at, ok, err := u.Get()
	switch {
	case err != nil:
		return problemf(http.StatusInternalServerError, "%v", err)
	case !ok:
		return problemf(http.StatusNotFound, "record %q has no value yet", q.key)
	}
	tag := entityTag(u.Key(), at, value)
	q.w.Header().Set("ETag", tag)
	q.w.Header().Set("Cache-Control", "no-cache")
	if matches(q.r.Header.Get("If-None-Match"), tag) {
		q.w.WriteHeader(http.StatusNotModified)
		return nil
	}
	return q.json(http.StatusOK, record{Record: u.Key(), Time: at, Value: value, Meta: infos[0]})
}

// entityTag is weak: the meta data change while the value does not.
func entityTag(key string, at int64, value []byte) string {
	h := sha256.New()
	_, _ = h.Write(strconv.AppendInt([]byte(key+"\n"), at, 10)) // a hash takes everything
	_, _ = h.Write(value)
	return `W/"` + hex.EncodeToString(h.Sum(nil)[:12]) + `"`
}

func matches(header, tag string) bool {
	for candidate := range strings.SplitSeq(header, ",") {
		candidate = strings.TrimSpace(candidate)
		if candidate == "*" || strings.TrimPrefix(candidate, "W/") == strings.TrimPrefix(tag, "W/") {
			return true
		}
	}
	return false
}

// call runs a method of AimX and decodes its answer.
func (q *request) call(method string, params map[string]any, to any) *problem {
	raw, p := q.rawCall(q.r.Context(), method, params)
	if p != nil {
		return p
	}
	if err := json.Unmarshal(raw, to); err != nil {
		return problemf(http.StatusInternalServerError, "the answer to %s cannot be read: %v", method, err)
	}
	return nil
}

func (q *request) rawCall(ctx context.Context, method string, params map[string]any) (json.RawMessage, *problem) {
	encoded, err := json.Marshal(params)
	if err != nil {
		return nil, problemf(http.StatusInternalServerError, "%v", err)
	}
	raw, err := q.db.Call(ctx, gateway.Call{Method: method, Params: encoded, Grants: q.grants})
	if err != nil {
		return nil, callProblem(err)
	}
	return raw, nil
}

// json answers with a value.
func (q *request) json(status int, v any) *problem {
	text, err := json.Marshal(v)
	if err != nil {
		return problemf(http.StatusInternalServerError, "the answer cannot be encoded: %v", err)
	}
	return q.text(status, "application/json", append(text, '\n'))
}

// text answers with a body. Its error is one of a client that has left.
func (q *request) text(status int, kind string, body []byte) *problem {
	q.w.Header().Set("Content-Type", kind)
	q.w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	q.w.WriteHeader(status)
	if q.r.Method != http.MethodHead {
		_, _ = q.Write(body)
	}
	return nil
}
