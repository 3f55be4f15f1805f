package httpapi_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aimdb-go/aimdb"
	"github.com/aimdb-go/aimdb/httpapi"
)

// raw sends bytes to the server, and reads one answer.
func (f *fixture) raw(t *testing.T, text string) (*http.Response, string) {
	t.Helper()
	conn, err := net.Dial("tcp", strings.TrimPrefix(f.url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	if err := conn.SetDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(conn, text); err != nil {
		t.Fatal(err)
	}
	response, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatalf("%q: %v", text, err)
	}
	defer func() { _ = response.Body.Close() }()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response, string(body)
}

// A body that is announced and does not come, to a request that does not read it, holds
// neither the answer nor a stream for longer than a write may take.
func TestBodiesThatNeverCome(t *testing.T) {
	f := open(t, t.TempDir(), []httpapi.Option{httpapi.WriteTimeout(100 * time.Millisecond)},
		aimdb.Tokens(aimdb.Token{Token: "t", Read: []string{"#"}}))
	for _, c := range []struct {
		request string
		status  int
	}{
		{"PUT /api/records/n::a HTTP/1.1\r\nContent-Length: 10", 401},
		{"POST /api/write HTTP/1.1\r\nTransfer-Encoding: chunked", 401},
		{"POST /api/nothing HTTP/1.1\r\nContent-Length: 10", 404},
		{"DELETE /api/write HTTP/1.1\r\nContent-Length: 10", 405},
		{"GET /api/stream HTTP/1.1\r\nContent-Length: 10\r\nAuthorization: Bearer t", 400},
		{"GET /api/records HTTP/1.1\r\nContent-Length: 10\r\nAuthorization: Bearer t", 400},
	} {
		r, body := f.raw(t, c.request+"\r\nHost: localhost\r\n\r\n")
		if r.StatusCode != c.status {
			t.Errorf("%s: %d %s, want %d", c.request, r.StatusCode, body, c.status)
		}
	}
}

// Paths, as bytes: whatever a client writes there, the answer is one of the API or of the mux.
func TestPathTricks(t *testing.T) {
	f := open(t, t.TempDir(), nil)
	for path, want := range map[string]int{
		"/api/records/":                                 404,
		"/api/records/..":                               307,
		"/api/records/%2e%2e":                           400,
		"/api/records/%2e%2e%2fwrite":                   400,
		"/api/records/a%2Fb":                            404,
		"/api/records/a%252Fb":                          404, // the key a%2Fb
		"/api/records/n%3A%3Aa":                         404, // it has no value yet
		"/api/records/n::a/":                            404,
		"/api/records/%00":                              400,
		"/api/records/%0d%0aX:%20y":                     400,
		"/api/records/e%CC%81":                          404, // NFD is another key
		"/api/records/%ef%bb%bfn::a":                    400,
		"/api/%72ecords":                                404,
		"/API/records":                                  404,
		"//api/records":                                 307,
		"/api/./records":                                307,
		"/below/../api/records":                         307,
		"http://localhost/api/records":                  200,
		"/api/records;x":                                404,
		"/api/records/" + strings.Repeat("%61", 10_000): 400,
	} {
		r, body := f.raw(t, "GET "+path+" HTTP/1.1\r\nHost: localhost\r\n\r\n")
		if r.StatusCode != want {
			t.Errorf("%.60s: %d %.200s, want %d", path, r.StatusCode, body, want)
		}
		if r.Header.Get("X") != "" {
			t.Errorf("%s sets a header", path)
		}
	}
}

// What would change the meaning of a write, and is not done, is refused.
func TestHeadersOfWrites(t *testing.T) {
	f := open(t, t.TempDir(), nil)
	for _, c := range []struct {
		header string
		status int
	}{
		{"Content-Encoding: gzip", 415}, {"Content-Range: bytes 0-1/9", 400}, {`If-Match: "x"`, 400}, {"If-None-Match: *", 400},
		{"Content-Encoding: identity", 0}, {"Content-Type: text/html", 0}, {"Expect: 100-continue", 0},
	} {
		want := max(c.status, 200)
		f.ask(t, "POST", "/api/write", `{"key":"n::a","value":{"n":1}}`, c.header).expect(t, want, "")
		if c.status == 0 {
			want = 204
		}
		f.ask(t, "PUT", "/api/records/n::a", `{"n":1}`, c.header).expect(t, want, "")
	}
	f.ask(t, "GET", "/api/records/n::a", "", "Range: bytes=0-1").expect(t, 200, `{"n":1}`)
}

// Both ways to write take the same values.
func TestOddJSONIsTakenAlike(t *testing.T) {
	f := open(t, t.TempDir(), nil)
	nested := func(n int) string { return strings.Repeat("[", n) + strings.Repeat("]", n) }
	for value, taken := range map[string]bool{
		`{"a":1,"a":2}`: true, `"\ud800"`: true, `1e308`: true, nested(100): true,
		nested(101): false, "\"\xff\"": false, `NaN`: false, `-Infinity`: false, `01`: false, `'x'`: false,
	} {
		put, post := 422, 422
		if taken {
			put, post = 204, 200
		}
		f.ask(t, "PUT", "/api/records/any", value).expect(t, put, "")
		f.ask(t, "POST", "/api/write", `{"key":"any","value":`+value+`}`).expect(t, post, "")
	}
	f.ask(t, "POST", "/api/write", `{"key":"n::a","key":"any","value":1}`).expect(t, 422, "comes twice")
	f.ask(t, "POST", "/api/write", `{"key":"any","value":1,"value":2}`).expect(t, 422, "comes twice")
	f.flush(t)
	f.ask(t, "GET", "/api/query?pattern=any", "").expect(t, 200, `{"a":1,"a":2}`)
	f.ask(t, "GET", "/api/query?pattern=any&format=csv", "").expect(t, 200, `"{""a"":1,""a"":2}"`)
}

// A key that a spreadsheet would compute is quoted in CSV, and nowhere else.
func TestFormulasInCSV(t *testing.T) {
	f := open(t, t.TempDir(), nil, aimdb.Dynamic(10, func(string) ([]aimdb.RecordOption, error) {
		return []aimdb.RecordOption{aimdb.Ring(8), aimdb.Persist(), aimdb.Writable()}, nil
	}))
	for _, key := range []string{"=1+1", "-2", "@SUM(1)", "+cmd|A!B1", "＝1", "a=1"} {
		line := fmt.Sprintf(`{"key":%q,"value":-1}`, key)
		f.ask(t, "POST", "/api/write", line).expect(t, 200, "")
	}
	f.flush(t)
	for line := range strings.Lines(f.ask(t, "GET", "/api/query?format=csv", "").body) {
		if strings.ContainsAny(line[:1], "=+-@＝") {
			t.Errorf("CSV has %q", line)
		}
	}
	f.ask(t, "GET", "/api/query?pattern=-2&format=csv", "").expect(t, 200, "\n'-2,")
	f.ask(t, "GET", "/api/query?pattern=a=1&format=csv", "").expect(t, 200, "\na=1,")
	f.ask(t, "GET", "/api/query?pattern=-2&format=ndjson", "").expect(t, 200, `"record":"-2"`)
}
