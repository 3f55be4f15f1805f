package httpapi

import (
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"
)

// A client that takes a long answer slowly, but takes it, gets all of it.
func TestSlowReaderGetsTheWholeAnswer(t *testing.T) {
	const size, patience = 8 << 20, 300 * time.Millisecond
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		q := &request{api: &api{limits: defaults()}, w: w, r: r}
		q.limits.write = patience
		q.text(http.StatusOK, "text/plain", make([]byte, size))
	}))
	defer server.Close()
	response, err := http.Get(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	var n int64
	for err == nil {
		var part int64
		part, err = io.CopyN(io.Discard, response.Body, 256<<10)
		n += part
		time.Sleep(patience / 10) // the client is slow
	}
	if err != io.EOF || n != size {
		t.Errorf("got %d bytes, %v", n, err)
	}
}
