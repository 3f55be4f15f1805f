package aimdb_test

import (
	"encoding/json"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/aimdb-go/aimdb"
	"github.com/aimdb-go/aimdb/aimx"
	"github.com/aimdb-go/aimdb/history"
	"github.com/aimdb-go/aimdb/sinks"
	"github.com/aimdb-go/aimdb/sinks/sqlite"
)

// answer is the answer to record.query.
type answer struct {
	Records []struct {
		Topic   string          `json:"topic"`
		Payload json.RawMessage `json:"payload"`
		Time    int64           `json:"ts"`
	} `json:"records"`
	Total int     `json:"total"`
	Next  *string `json:"next"`
}

// String lists the rows as record@milliseconds.
func (a answer) String() string {
	var b strings.Builder
	for _, r := range a.Records {
		fmt.Fprintf(&b, "%s@%d ", r.Topic, r.Time%60_000)
	}
	return strings.TrimSpace(b.String())
}

// asking returns a client of a database whose history has a row each second, of the
// records t.a and t.b in turn.
func asking(t *testing.T) *aimx.Client {
	t.Helper()
	dir := t.TempDir()
	begin := time.Now().Truncate(time.Minute).Add(-10 * time.Minute).UnixMilli()
	batch := &sinks.Batch{Checkpoint: history.Position{Log: "before", Sequence: 10}}
	for i := range 10 {
		batch.Entries = append(batch.Entries, sinks.Entry{
			Sequence: uint64(i + 1), Record: []string{"t.a", "t.b"}[i%2], Time: begin + int64(i)*1000, Value: fmt.Appendf(nil, `{"n":%d}`, i),
		})
	}
	withStore(t, filepath.Join(dir, "history.db"), func(s *sqlite.Store) {
		if err := s.Write(t.Context(), batch); err != nil {
			t.Fatal(err)
		}
	})
	socket := filepath.Join(dir, "s")
	db := open(t, dir, aimdb.Gateway(socket))
	register[json.RawMessage](t, db, "t.a", aimdb.Remote(), aimdb.Persist())
	t.Cleanup(start(t, db))
	c, err := aimx.Dial(t.Context(), socket)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	})
	return c
}

func ask(t *testing.T, c *aimx.Client, params string) answer {
	t.Helper()
	raw, err := c.Call(t.Context(), "record.query", json.RawMessage(params))
	if err != nil {
		t.Fatalf("%s: %v", params, err)
	}
	var a answer
	if err := json.Unmarshal(raw, &a); err != nil || a.Total != len(a.Records) {
		t.Fatalf("%s: %s, %v", params, raw, err)
	}
	return a
}

// TestQueryForms: what is added to record.query orders, pages and summarizes rows, and
// without it the answer is that of AimX.
func TestQueryForms(t *testing.T) {
	t.Cleanup(func() { goleak.VerifyNone(t) })
	c := asking(t)
	for params, want := range map[string]string{
		`{"name":"t.*","limit":2}`:                                "t.a@6000 t.b@7000 t.a@8000 t.b@9000",
		`{"name":"t.*","limit":2,"order":"asc"}`:                  "t.a@6000 t.b@7000 t.a@8000 t.b@9000",
		`{"name":"t.*","limit":2,"order":"desc"}`:                 "t.b@9000 t.a@8000 t.b@7000 t.a@6000",
		`{"name":"t.*","order":null,"cursor":null,"bucket":null}`: "t.a@8000 t.b@9000",
		`{"name":"t.*","bucket":{"width":4000,"path":"n"}}`:       "t.a@0 t.b@0 t.a@4000 t.b@4000 t.a@8000 t.b@8000",
		`{"name":"t.b","bucket":{"width":60000,"path":"n"}}`:      "t.b@0",
		`{"limit":1,"bucket":{"width":4000},"order":"desc"}`:      "t.b@8000 t.a@8000",
		`{"limit":2,"bucket":{"width":4000}}`:                     "t.a@4000 t.b@4000 t.a@8000 t.b@8000",
		`{"limit":0,"bucket":{"width":4000}}`:                     "",
		`{"cursor":"","limit":0}`:                                 "",
		`{"cursor":""}`:                                           "t.a@0 t.b@1000 t.a@2000 t.b@3000 t.a@4000 t.b@5000 t.a@6000 t.b@7000 t.a@8000 t.b@9000",
		`{"cursor":"","name":"t.b","order":"desc","limit":2}`:     "t.b@9000 t.b@7000",
	} {
		a := ask(t, c, params)
		if got := a.String(); got != want {
			t.Errorf("%s: got %s, want %s", params, got, want)
		}
		if paged := strings.Contains(params, `"cursor":""`); paged != (a.Next != nil) {
			t.Errorf("%s: next is %v", params, a.Next)
		}
	}
	var b history.Bucket
	if err := json.Unmarshal(ask(t, c, `{"name":"t.a","bucket":{"width":60000,"path":"n"}}`).Records[0].Payload, &b); err != nil || b.Count != 5 || b.Mean != 4 || b.Max != 8 {
		t.Errorf("the bucket is %+v, %v", b, err)
	}
}

// TestQueryPages: pages have each row once, in either order.
func TestQueryPages(t *testing.T) {
	t.Cleanup(func() { goleak.VerifyNone(t) })
	c := asking(t)
	for order, want := range map[string]string{
		"asc":  "t.a@0 t.b@1000 t.a@2000|t.b@3000 t.a@4000 t.b@5000|t.a@6000 t.b@7000 t.a@8000|t.b@9000",
		"desc": "t.b@9000 t.a@8000 t.b@7000|t.a@6000 t.b@5000 t.a@4000|t.b@3000 t.a@2000 t.b@1000|t.a@0",
	} {
		var pages []string
		for cursor := ""; ; {
			a := ask(t, c, fmt.Sprintf(`{"name":"t.#","limit":3,"order":%q,"cursor":%q}`, order, cursor))
			pages = append(pages, a.String())
			if cursor = *a.Next; cursor == "" || len(pages) > 10 {
				break
			}
		}
		if got := strings.Join(pages, "|"); got != want {
			t.Errorf("%s: got %s, want %s", order, got, want)
		}
	}
	first := ask(t, c, `{"name":"t.#","limit":3,"cursor":""}`)
	for params, says := range map[string]string{
		`{"order":"up"}`:                                "asc or desc",
		`{"cursor":7}`:                                  "not a string",
		`{"cursor":"","bucket":{"width":1}}`:            "leave the cursor or the bucket out",
		`{"bucket":{"path":"n"}}`:                       "width",
		`{"bucket":5}`:                                  "cannot be read",
		`{"bucket":{"width":1,"breadth":1}}`:            "breadth",
		`{"name":"t.a","cursor":"` + *first.Next + `"}`: "cursor",
	} {
		if _, err := c.Call(t.Context(), "record.query", json.RawMessage(params)); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%s: %v, want %q", params, err, says)
		}
	}
}
