package httpapi

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

// The bound of a body ends with the body: what is done with it may take longer.
func TestNoDeadlineAfterTheBody(t *testing.T) {
	const patience = 50 * time.Millisecond
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		q := &request{api: &api{limits: defaults()}, w: w, r: r, now: time.Now()}
		q.limits.write = patience
		q.boundBody()
		if _, err := io.ReadAll(q.body()); err != nil {
			t.Error(err)
		}
		select {
		case <-r.Context().Done():
			t.Errorf("the request ends: %v", r.Context().Err())
		case <-time.After(4 * patience): // nothing happens
		}
	}))
	defer server.Close()
	response, err := http.Post(server.URL, "application/json", strings.NewReader("1"))
	if err != nil {
		t.Fatal(err)
	}
	_ = response.Body.Close() // it is empty
}

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
