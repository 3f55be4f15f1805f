package aimdb_test

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/aimdb-go/aimdb"
)

// A request that is being answered when the context ends is finished within the
// drain time.
func TestARequestInFlightIsFinished(t *testing.T) {
	defer goleak.VerifyNone(t)
	entered, free := make(chan struct{}), make(chan struct{})
	handler := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		close(entered)
		<-free
		_, _ = io.WriteString(w, "complete")
	})
	db, err := aimdb.New(aimdb.HTTP("127.0.0.1:0", handler))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- db.Run(ctx) }()
	<-db.Ready()
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	type answer struct {
		body string
		err  error
	}
	answered := make(chan answer, 1)
	go func() {
		response, err := client.Get("http://" + db.Addresses().HTTP + "/slow")
		if err != nil {
			answered <- answer{err: err}
			return
		}
		body, err := io.ReadAll(response.Body)
		_ = response.Body.Close()
		answered <- answer{string(body), err}
	}()
	<-entered
	cancel()
	for { // the listener is closed before the answer is complete
		response, err := client.Get("http://" + db.Addresses().HTTP + "/version")
		if err != nil {
			break
		}
		_ = response.Body.Close() // or its connection stays
	}
	close(free)
	if a := <-answered; a.err != nil || a.body != "complete" {
		t.Errorf("the answer is %q, %v", a.body, a.err)
	}
	if err := <-done; err != nil {
		t.Errorf("Run: %v", err)
	}
}

// The gateway can be mounted on a mux of the caller.
func TestHandlerOnAMuxOfTheCaller(t *testing.T) {
	defer goleak.VerifyNone(t)
	db, err := aimdb.New()
	if err != nil {
		t.Fatal(err)
	}
	mux := http.NewServeMux()
	handler := db.Handler()
	for _, path := range []string{"/ws", "/aimx.js", "/version", "/health"} {
		mux.Handle(path, handler)
	}
	web := httptest.NewServer(mux)
	defer web.Close()
	get := func(path string) (int, string) {
		t.Helper()
		client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: time.Minute}
		response, err := client.Get(web.URL + path)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = response.Body.Close() }()
		body, err := io.ReadAll(response.Body)
		if err != nil {
			t.Fatal(err)
		}
		return response.StatusCode, string(body)
	}
	if code, body := get("/health"); code != http.StatusServiceUnavailable {
		t.Errorf("before Run: %d %s", code, body)
	}
	stop := start(t, db)
	if code, body := get("/health"); code != http.StatusOK || !strings.Contains(body, `"status":"ok"`) {
		t.Errorf("health: %d %s", code, body)
	}
	if code, body := get("/version"); code != http.StatusOK || !strings.Contains(body, `"3.0"`) {
		t.Errorf("version: %d %s", code, body)
	}
	if code, body := get("/aimx.js"); code != http.StatusOK || !strings.Contains(body, "export const connect") {
		t.Errorf("aimx.js: %d %s", code, body)
	}
	stop()
	if code, body := get("/health"); code != http.StatusServiceUnavailable {
		t.Errorf("after Run: %d %s", code, body)
	}
}
