package gateway_test

import (
	"bytes"
	"net/http"
	"os"
	"testing"

	"github.com/aimdb-go/aimdb/aimx/gateway"
)

// askModule asks for the client for pages. Header names and values take turns.
func askModule(t *testing.T, h *fixture, method string, header ...string) (*http.Response, []byte) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), method, h.web.URL+"/aimx.js", nil)
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(header); i += 2 {
		request.Header.Set(header[i], header[i+1])
	}
	response, err := h.web.Client().Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer closing(t, response.Body)
	var body bytes.Buffer
	if _, err := body.ReadFrom(response.Body); err != nil {
		t.Fatal(err)
	}
	return response, body.Bytes()
}

func TestModuleIsServed(t *testing.T) {
	h := open(t, func(c *gateway.Config) { c.Access = listOf(t, gateway.Token{Token: "not for the module"}) })
	want, err := os.ReadFile("aimx.js")
	if err != nil {
		t.Fatal(err)
	}
	response, body := askModule(t, h, "GET")
	if response.StatusCode != 200 || !bytes.Equal(body, want) {
		t.Errorf("%d with %d bytes, want the file", response.StatusCode, len(body))
	}
	for name, want := range map[string]string{
		"Content-Type": "text/javascript; charset=utf-8", "X-Content-Type-Options": "nosniff",
		"Cache-Control": "no-cache", "Vary": "Origin", "Access-Control-Allow-Origin": "",
	} {
		if got := response.Header.Get(name); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
	if again, body := askModule(t, h, "GET", "If-None-Match", response.Header.Get("ETag")); again.StatusCode != 304 || len(body) > 0 {
		t.Errorf("again: %d with %d bytes, want 304 with none", again.StatusCode, len(body))
	}
	if head, body := askModule(t, h, "HEAD"); head.StatusCode != 200 || len(body) > 0 {
		t.Errorf("HEAD: %d with %d bytes", head.StatusCode, len(body))
	}
	if post, _ := askModule(t, h, "POST"); post.StatusCode != 405 {
		t.Errorf("POST: %d, want 405", post.StatusCode)
	}
}

// The pages that may import the module are those that may open a WebSocket.
func TestModuleOrigins(t *testing.T) {
	h := open(t, func(c *gateway.Config) { c.Origins = []string{"*.example.com", "https://secure.test", "[malformed"} })
	for origin, admitted := range map[string]bool{
		"http://localhost:5173": true, "http://[::1]:3000": true, "https://a.EXAMPLE.com": true, "https://secure.test": true,
		"http://secure.test": false, "https://evil.test": false, "http://localhost.evil.test:80": false, "null": false, "%": false,
	} {
		want := ""
		if admitted {
			want = origin
		}
		if response, _ := askModule(t, h, "GET", "Origin", origin); response.Header.Get("Access-Control-Allow-Origin") != want {
			t.Errorf("%s: %q, want %q", origin, response.Header.Get("Access-Control-Allow-Origin"), want)
		}
	}
}

// A page that loads the module should not wait for it, and its author should be able to
// read it.
func TestModuleIsShort(t *testing.T) {
	text, err := os.ReadFile("aimx.js")
	if err != nil {
		t.Fatal(err)
	}
	if lines := bytes.Count(text, []byte("\n")); lines > 320 {
		t.Errorf("aimx.js has %d lines, want at most 320", lines)
	}
}
