package httpapi_test

import (
	"bufio"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/aimdb-go/aimdb/aimx/gateway"
	"github.com/aimdb-go/aimdb/httpapi"
)

// TestHTTP2: over one connection of HTTP/2 with TLS, a stream, a write of many values and a
// query go on beside each other.
func TestHTTP2(t *testing.T) {
	f := open(t, t.TempDir(), nil)
	server := httptest.NewUnstartedServer(httpapi.New(f.db))
	server.Config.BaseContext = gateway.ListenerContext
	server.EnableHTTP2 = true
	server.StartTLS()
	defer server.Close()
	f.url, f.client = server.URL, server.Client()
	f.client.Timeout = patience

	response, err := f.client.Do(f.request(t, "GET", "/api/stream?pattern=n::a", nil))
	if err != nil {
		t.Fatal(err)
	}
	if response.ProtoMajor != 2 || response.StatusCode != http.StatusOK {
		t.Fatalf("the stream is %s %s", response.Proto, response.Status)
	}
	events := &reader{t: t, lines: bufio.NewScanner(response.Body)}
	defer func() { _ = response.Body.Close() }() // it is cut off
	events.await("caught_up")

	const values = 200
	var lines strings.Builder
	for n := range values {
		fmt.Fprintf(&lines, "{\"key\":\"n::a\",\"value\":{\"n\":%d}}\n", n)
	}
	written := f.ask(t, "POST", "/api/write", lines.String(), "Content-Type: application/x-ndjson")
	written.expect(t, http.StatusOK, fmt.Sprintf(`"accepted":%d`, values))
	for n := range values {
		if e := events.await(""); !strings.Contains(e.data, fmt.Sprintf(`"value":{"n":%d}`, n)) {
			t.Fatalf("event %d is %s", n, e.data)
		}
	}
	f.flush(t)
	queried := f.ask(t, "GET", "/api/query?kind=range&pattern=n::a&format=ndjson", "")
	queried.expect(t, http.StatusOK, "")
	if rows := strings.Count(queried.body, "\n"); rows != values || queried.ProtoMajor != 2 {
		t.Errorf("%d rows over %s, want %d over HTTP/2", rows, queried.Proto, values)
	}
	f.ask(t, "PUT", "/api/records/n::a", `{"n":"x"}`).expect(t, http.StatusUnprocessableEntity, `"pointer":"/n"`)
}
