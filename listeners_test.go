package aimdb_test

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"

	"github.com/aimdb-go/aimdb"
)

// fetch returns the status and the body of a request that names a host.
func fetch(t *testing.T, url, host string) (int, string) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	request.Host = host
	response, err := (&http.Client{Transport: &http.Transport{DisableKeepAlives: true}}).Do(request)
	if err != nil {
		t.Fatal(err)
	}
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	if err := response.Body.Close(); err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, string(body)
}

// TestHostsOfTheWebServer: the guard against DNS rebinding covers the handler of
// the application too.
func TestHostsOfTheWebServer(t *testing.T) {
	page := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "the page") })
	db, err := aimdb.New(aimdb.HTTP("127.0.0.1:0", page), aimdb.Origins("*.example.com"))
	if err != nil {
		t.Fatal(err)
	}
	defer start(t, db)()
	for _, path := range []string{"/", "/version", "/health", "/ws"} {
		url := "http://" + db.Addresses().HTTP + path
		if code, body := fetch(t, url, "attacker.example:8080"); code != http.StatusForbidden || !strings.Contains(body, "Origins") || strings.Contains(body, "page") {
			t.Errorf("%s of an unknown host: %d %s", path, code, body)
		}
		for _, host := range []string{"localhost", "hub.example.com"} {
			if code, body := fetch(t, url, host); code == http.StatusForbidden {
				t.Errorf("%s of %s: %d %s", path, host, code, body)
			}
		}
	}
}

// TestHTTPWithoutHost: an address without a host is not one on all interfaces.
func TestHTTPWithoutHost(t *testing.T) {
	db, err := aimdb.New(aimdb.HTTP(":0", nil))
	if err != nil {
		t.Fatal(err)
	}
	defer start(t, db)()
	host, port, err := net.SplitHostPort(db.Addresses().HTTP)
	if err != nil || host != "127.0.0.1" || port == "0" {
		t.Errorf("it listens on %s, %v", db.Addresses().HTTP, err)
	}
}
