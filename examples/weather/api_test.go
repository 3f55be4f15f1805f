package weather

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"testing"
)

// TestTheHubServesTheAPI: the HTTP API is beside the page, and its description too.
func TestTheHubServesTheAPI(t *testing.T) {
	db, err := open(Options{DataDir: t.TempDir(), HTTP: "127.0.0.1:0", Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- db.Run(ctx) }()
	defer func() {
		stop()
		if err := <-done; err != nil {
			t.Error(err)
		}
	}()
	<-db.Ready()
	for path, want := range map[string]string{"/api": `"openapi":"3.1.0"`, "/api/records": `"records":[`, "/api/nothing": "GET /api describes"} {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+db.Addresses().HTTP+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		answer, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(answer.Body)
		_ = answer.Body.Close() // it is read
		if err != nil || !strings.Contains(string(body), want) {
			t.Errorf("%s: %d %.300s, %v", path, answer.StatusCode, body, err)
		}
	}
	http.DefaultClient.CloseIdleConnections()
}
