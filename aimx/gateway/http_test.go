package gateway_test

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/coder/websocket"

	"github.com/aimdb-go/aimdb/aimx/gateway"
)

func fetch(t *testing.T, h *fixture, path string) (int, string, http.Header) {
	t.Helper()
	response, err := h.web.Client().Get(h.web.URL + path)
	if err != nil {
		t.Fatal(err)
	}
	defer closing(t, response.Body)
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, strings.TrimSpace(string(body)), response.Header
}

func TestVersionGate(t *testing.T) {
	h := open(t)
	for path, want := range map[string]int{"/ws": 426, "/ws?v=2.0": 426, "/ws?v=3x": 426, "/ws?v=": 426, "/elsewhere": 404} {
		if got, body, _ := fetch(t, h, path); got != want || want == 426 && !strings.Contains(body, "3.0") {
			t.Errorf("%s: %d %s, want %d", path, got, body, want)
		}
	}
	// Past the gate only the upgrade is missing.
	if _, body, _ := fetch(t, h, "/ws?v=3"); strings.Contains(body, "AimX") {
		t.Errorf("version 3 is stopped: %s", body)
	}
}

func TestVersionAndHealth(t *testing.T) {
	h := open(t)
	code, body, header := fetch(t, h, "/version")
	if code != 200 || body != `{"aimx":"3.0"}` || header.Get("Access-Control-Allow-Origin") != "*" {
		t.Errorf("%d %s %v", code, body, header)
	}
	barrier(t, h.webPeer(t))
	if code, body, _ := fetch(t, h, "/health"); code != 200 || body != `{"clients":1,"status":"ok","uptime_secs":0}` {
		t.Errorf("%d %s", code, body)
	}
}

func TestOrigins(t *testing.T) {
	h := open(t, func(c *gateway.Config) { c.Origins = []string{"*.example.com"} })
	for origin, admitted := range map[string]bool{
		h.web.URL: true, "http://localhost:5173": true, "http://127.0.0.1": true, "http://[::1]:3000": true,
		"https://a.example.com": true, "https://evil.test": false, "http://localhost.evil.test:80": false, "null": false,
	} {
		socket, response, err := websocket.Dial(soon(t), h.webSocket()+"?v=3.0", &websocket.DialOptions{HTTPHeader: http.Header{"Origin": {origin}}})
		if (err == nil) != admitted {
			t.Errorf("%s: %v", origin, err)
		}
		if err == nil {
			_ = socket.CloseNow()
		} else if response == nil || response.StatusCode != http.StatusForbidden {
			t.Errorf("%s: %v", origin, response)
		}
	}
}
