package httpapi_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"os/exec"
	"strings"
	"testing"

	"github.com/aimdb-go/aimdb"
	"github.com/aimdb-go/aimdb/internal/needed"
)

func TestRecords(t *testing.T) {
	f := open(t, t.TempDir(), nil)
	for _, key := range []string{"n::a", "n.b", "grad%2F%C2%B0C", "grad/°C", "x.y.z"} {
		f.ask(t, "PUT", "/api/records/"+key, `{"n":7}`).expect(t, 204, "")
		got := f.ask(t, "GET", "/api/records/"+key, "")
		got.expect(t, 200, `"value":{"n":7}`)
		tag := got.Header.Get("ETag")
		f.ask(t, "GET", "/api/records/"+key, "", "If-None-Match: "+tag).expect(t, 304, "")
		f.ask(t, "HEAD", "/api/records/"+key, "").expect(t, 200, "")
		f.ask(t, "PUT", "/below/api/records/"+key, `{"n":8}`).expect(t, 204, "")
		f.ask(t, "GET", "/api/records/"+key, "", "If-None-Match: "+tag).expect(t, 200, `{"n":8}`)
	}
	f.ask(t, "PUT", "/api/records/n::a?wait=none", `{"n":9}`).expect(t, 202, "")
	f.ask(t, "PUT", "/api/records/live", `{"n":1}`).expect(t, 204, "") // it is not logged
	f.ask(t, "PUT", "/api/records/any", `null`).expect(t, 204, "")
	f.ask(t, "GET", "/api/records/any", "").expect(t, 200, `"value":null`)
	var keys []string
	for cursor := ""; ; {
		var page struct {
			Records []struct {
				Key string `json:"record_key"`
			}
			Next string
		}
		f.ask(t, "GET", "/api/records?limit=3"+cursor, "").into(t, &page)
		for _, r := range page.Records {
			keys = append(keys, r.Key)
		}
		if page.Next == "" {
			break
		}
		cursor = "&cursor=" + page.Next
	}
	if want := "n::a n::b grad/°C x.y.z any empty live secret made"; strings.Join(keys, " ") != want {
		t.Errorf("listed %v, want %s", keys, want)
	}
	f.ask(t, "GET", "/api/records?pattern=n.*", "").expect(t, 200, "n::a")
}

func TestRefusals(t *testing.T) {
	f := open(t, t.TempDir(), nil)
	f.private.Produce(reading{N: 42})
	long := strings.Repeat("k", 300)
	for _, c := range []struct {
		method, path, body string
		status             int
		want               string
	}{
		{"GET", "/api/records/nothing", "", 404, "no record"},
		{"GET", "/api/records/empty", "", 404, "no value yet"},
		{"GET", "/api/records/secret", "", 403, "not exposed"},
		{"GET", "/api/records/" + long, "", 400, "at most 200"},
		{"GET", "/api/records/a%00b", "", 400, "not allowed"},
		{"GET", "/api/records/a%ffb", "", 400, "UTF-8"},
		{"GET", "/api/records/a%e2%80%ae", "", 400, "not allowed"},
		{"GET", "/api/records/%2e%2e%2f%2e%2e%2fetc%2fpasswd", "", 400, "empty segment"},
		{"GET", "/api/records/n::*", "", 400, "not allowed"},
		{"GET", "/api/nothing", "", 404, "GET /api describes"},
		{"DELETE", "/api/records/n::a", "", 405, "GET, HEAD, PUT"},
		{"PUT", "/api/records/nothing", `1`, 404, "no such record"},
		{"PUT", "/api/records/secret", `{"n":1}`, 403, "not writable"},
		{"PUT", "/api/records/made", `{"n":1}`, 403, "not writable"},
		{"PUT", "/api/records/n::a", `{"n":"x"}`, 422, `"pointer":"/n"`},
		{"PUT", "/api/records/n::a", `{}`, 422, `"cause":"invalid"`},
		{"PUT", "/api/records/n::a", `{"n":NaN}`, 422, "not JSON"},
		{"PUT", "/api/records/n::a", `{"n":1}{"n":2}`, 422, "invalid"},
		{"PUT", "/api/records/any", ``, 422, "invalid"},
		{"PUT", "/api/records/n::a?wait=perhaps", `{"n":1}`, 400, `"parameter":"wait"`},
		{"PUT", "/api/records/n::a?patern=x", `{"n":1}`, 400, `"parameter":"patern"`},
		{"GET", "/api/records?limit=0", "", 400, `"parameter":"limit"`},
		{"GET", "/api/records?limit=1&limit=2", "", 400, "given 2 times"},
		{"GET", "/api/records?pattern=te*", "", 400, `"parameter":"pattern"`},
		{"GET", "/api/records?a=%zz", "", 400, "cannot be read"},
		{"GET", "/api/query?start=99999999999999999", "", 400, `"parameter":"start"`},
		{"GET", "/api/query?start=9223372036854775808", "", 400, `"parameter":"start"`},
		{"GET", "/api/query?end=1700000000", "", 400, "looks like seconds"},
		{"GET", "/api/query?start=1h&end=2h", "", 400, `"parameter":"start"`},
		{"GET", "/api/query?limit=10001", "", 400, `"parameter":"limit"`},
		{"GET", "/api/query?limit=-1", "", 400, `"parameter":"limit"`},
		{"GET", "/api/query?kind=newest", "", 400, `"parameter":"kind"`},
		{"GET", "/api/query?kind=latest&cursor=x", "", 400, `"parameter":"cursor"`},
		{"GET", "/api/query?cursor=x", "", 400, `"parameter":"cursor"`},
		{"GET", "/api/query?kind=buckets", "", 400, `"parameter":"width"`},
		{"GET", "/api/query?kind=buckets&width=1h&path=a..b", "", 400, `"parameter":"path"`},
		{"GET", "/api/query?format=xml", "", 400, `"parameter":"format"`},
		{"GET", "/api/query?pattern=secret", "", 400, "not exposed"},
		{"GET", "/api/stream?after=yesterday", "", 400, `"parameter":"after"`},
		{"GET", "/api/stream?after=" + long, "", 400, "no position"},
		{"GET", "/api/stream?pattern=nothing", "", 404, "no record"},
	} {
		f.ask(t, c.method, c.path, c.body).expect(t, c.status, c.want)
	}
	for _, kind := range []string{"latest", "range"} {
		f.ask(t, "GET", "/api/query?kind="+kind, "").expect(t, 200, "")
		if a := f.ask(t, "GET", "/api/query?kind="+kind, ""); strings.Contains(a.body, "42") {
			t.Errorf("%s shows a private value: %s", kind, a.body)
		}
	}
}

func TestQueryFormats(t *testing.T) {
	f := open(t, t.TempDir(), nil)
	var body strings.Builder
	const rows = 25
	for n := range rows {
		fmt.Fprintf(&body, "{\"key\":\"n::a\",\"value\":{\"n\":%d}}\n", n)
	}
	f.ask(t, "POST", "/api/write", body.String()).expect(t, 200, `{"accepted":25}`)
	f.flush(t)
	type row struct {
		Record string
		Time   int64
		Value  struct{ N int }
	}
	var got []int
	for cursor := ""; ; {
		var page struct {
			Rows []row
			Next string
		}
		f.ask(t, "GET", "/api/query?pattern=n::*&limit=10&order=desc&cursor="+cursor, "").into(t, &page)
		for _, r := range page.Rows {
			got = append(got, r.Value.N)
		}
		if cursor = page.Next; cursor == "" {
			break
		}
	}
	if len(got) != rows || got[0] != rows-1 || got[rows-1] != 0 {
		t.Errorf("pages have %v", got)
	}
	lines := strings.Split(strings.TrimSpace(f.ask(t, "GET", "/api/query?pattern=n::*", "", "Accept: application/x-ndjson").body), "\n")
	if len(lines) != rows {
		t.Errorf("%d lines of NDJSON", len(lines))
	}
	_, schema := described()
	for i, line := range lines {
		var r row
		var value any
		if err := json.Unmarshal([]byte(line), &r); err != nil || r.Value.N != i {
			t.Fatalf("line %d: %s, %v", i, line, err)
		}
		if err := json.Unmarshal([]byte(line), &value); err != nil || schema("row").Validate(value) != nil {
			t.Errorf("the description does not have %s", line)
		}
	}
	part := f.ask(t, "GET", "/api/query?pattern=n::*&limit=7&format=csv", "")
	if got := strings.Count(part.body, "\n"); got != 8 || !strings.HasPrefix(part.body, "record,time,value\nn::a,") {
		t.Errorf("CSV: %s", part.body)
	}
	next := part.Trailer.Get("Next-Cursor")
	f.ask(t, "GET", "/api/query?pattern=n::*&limit=1&cursor="+url.QueryEscape(next), "").expect(t, 200, `{"n":7}`)
	f.ask(t, "GET", "/api/query?kind=latest&pattern=n::*", "").expect(t, 200, `{"n":24}`)
	f.ask(t, "GET", "/api/query?kind=latest&limit=2&pattern=n::a&format=csv", "").expect(t, 200, `"{""n"":24}"`)
	f.ask(t, "GET", "/api/query?kind=buckets&width=7d&path=n&pattern=n::a", "").expect(t, 200, `"count":25`)
	f.ask(t, "GET", "/api/query?kind=buckets&width=604800000&path=n&pattern=n::a&format=csv", "").expect(t, 200, ",25,0,0,0,24,")
	f.ask(t, "GET", "/api/query?kind=buckets&width=604800000&path=/n&pattern=n::a&format=csv", "").expect(t, 200, ",25,0,0,0,24,")
	none := "/api/query?kind=buckets&width=7d&path=/no/such&pattern=n::a"
	f.ask(t, "GET", none, "").expect(t, 200, `"count":0,"missing":25,"not_numeric":0,"sum":0,"min":null,"max":null,"mean":null,"first":null,"last":null}`)
	f.ask(t, "GET", none+"&format=ndjson", "").expect(t, 200, `"mean":null`)
	f.ask(t, "GET", none+"&format=csv", "").expect(t, 200, ",0,25,0,,,,0,,\n")
}

// The command line of everybody: curl.
func TestCurl(t *testing.T) {
	curl, err := exec.LookPath("curl")
	if err != nil {
		needed.Missing(t, "curl (Debian package curl): %v", err)
	}
	f := open(t, t.TempDir(), nil, aimdb.Tokens(aimdb.Token{Token: "rw", Read: []string{"#"}, Write: []string{"#"}}),
		func(c *aimdb.Config) error {
			c.Users = []aimdb.User{{Name: "ann", Password: "secret", Read: []string{"#"}}}
			return nil
		})
	run := func(args ...string) string {
		t.Helper()
		out, err := exec.CommandContext(t.Context(), curl, append([]string{"-sS", "-w", "\n%{http_code}"}, args...)...).CombinedOutput()
		if err != nil {
			t.Fatalf("curl %q: %v\n%s", args, err, out)
		}
		return string(out)
	}
	for _, c := range []struct {
		args []string
		want string
	}{
		{[]string{"-X", "PUT", "-d", `{"n":5}`, f.url + "/api/records/n::a", "-H", "Authorization: Bearer rw"}, "\n204"},
		{[]string{"-u", "ann:secret", f.url + "/api/records/n::a"}, `"value":{"n":5}`},
		{[]string{"-u", "ann:wrong", f.url + "/api/records/n::a"}, "\n401"},
		{[]string{f.url + "/api/records/n::a"}, "\n401"},
		{[]string{"-u", "ann:secret", "-X", "PUT", "-d", `{"n":6}`, f.url + "/api/records/n::a"}, "\n403"},
		{[]string{"-H", "Authorization: Bearer rw", "--data-binary", "{\"key\":\"n::b\",\"value\":{\"n\":1}}\n{\"key\":\"n::b\",\"value\":{\"n\":2}}", f.url + "/api/write"}, `{"accepted":2}`},
		{[]string{"-u", "ann:secret", "-G", "-d", "kind=latest", "--data-urlencode", "pattern=n::*", "-d", "format=csv", f.url + "/api/query"}, "n::a,"},
	} {
		f.flush(t)
		if got := run(c.args...); !strings.Contains(got, c.want) {
			t.Errorf("curl %q: %s, want %q", c.args, got, c.want)
		}
	}
	if a := f.ask(t, "GET", "/api/stream?token=rw&pattern=te*", ""); a.StatusCode != http.StatusBadRequest {
		t.Errorf("a token in the query of a stream: %d %s", a.StatusCode, a.body)
	}
	f.ask(t, "GET", "/api/records?token=rw", "").expect(t, 401, "")
}
