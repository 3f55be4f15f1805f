package gateway_test

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
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

// TestHosts: on a loopback listener, a request of another host is refused, since
// its name may be an attacker's that resolves to loopback.
func TestHosts(t *testing.T) {
	h := open(t, func(c *gateway.Config) { c.Origins = []string{"*.example.com", "https://proxy.test", "port.test:8443"} })
	mounted := httptest.NewServer(h.server.CheckHost(http.NotFoundHandler()))
	defer mounted.Close()
	for host, admitted := range map[string]bool{
		"localhost": true, "LOCALHOST:8080": true, "localhost.": true, "a.localhost:1": true,
		"127.0.0.1": true, "127.0.0.2:8080": true, "[::1]": true, "[::1]:8080": true, "[::ffff:127.0.0.1]:8080": true,
		"a.example.com": true, "A.Example.com:8080": true, "proxy.test": true, "proxy.test:443": true, "port.test:8443": true,
		"attacker.example:8080": false, "attacker.example": false, "localhost.attacker.example:8080": false,
		"127.0.0.1.attacker.example": false, "10.0.0.1:8080": false, "0.0.0.0:8080": false, "[fe80::1]:8080": false,
		"example.com": false, "port.test": false,
	} {
		for url, usual := range map[string]int{h.web.URL + "/version": 200, h.web.URL + "/health": 200, h.web.URL + "/ws": 426, mounted.URL + "/": 404} {
			request, err := http.NewRequestWithContext(soon(t), http.MethodGet, url, nil)
			if err != nil {
				t.Fatal(err)
			}
			request.Host = host
			response, err := h.web.Client().Do(request)
			if err != nil {
				t.Fatal(err)
			}
			body, err := io.ReadAll(response.Body)
			if err := errors.Join(err, response.Body.Close()); err != nil {
				t.Fatal(err)
			}
			if admitted && response.StatusCode != usual {
				t.Errorf("%s as %q: %d, want %d", url, host, response.StatusCode, usual)
			}
			if !admitted && (response.StatusCode != http.StatusForbidden || !strings.Contains(string(body), host) || !strings.Contains(string(body), "Origins")) {
				t.Errorf("%s as %q: %d %s", url, host, response.StatusCode, body)
			}
		}
	}
}

// TestHostsOfWebSockets: the page of an attacker's name has that name as its origin
// and as its host.
func TestHostsOfWebSockets(t *testing.T) {
	h := open(t, func(c *gateway.Config) { c.Origins = []string{"proxy.test"} })
	for host, admitted := range map[string]bool{"attacker.example:8080": false, "localhost:8080": true, "proxy.test": true} {
		socket, response, err := websocket.Dial(soon(t), h.webSocket()+"?v=3.0", &websocket.DialOptions{
			Host: host, HTTPHeader: http.Header{"Origin": {"http://" + host}},
		})
		if (err == nil) != admitted {
			t.Errorf("%s: %v", host, err)
		}
		if err == nil {
			_ = socket.CloseNow()
		} else if response == nil || response.StatusCode != http.StatusForbidden {
			t.Errorf("%s: %v", host, response)
		}
	}
}

// TestHostsOfOtherListeners: the names of a listener on all addresses are not known,
// though a connection may come through loopback.
func TestHostsOfOtherListeners(t *testing.T) {
	h := open(t)
	web := httptest.NewUnstartedServer(h.server.Handler())
	web.Config.BaseContext = func(l net.Listener) context.Context { return gateway.ListenerContext(onAllAddresses{l}) }
	web.Start()
	defer web.Close()
	request, err := http.NewRequestWithContext(soon(t), http.MethodGet, web.URL+"/version", nil)
	if err != nil {
		t.Fatal(err)
	}
	request.Host = "hub.test:8080"
	response, err := web.Client().Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer closing(t, response.Body)
	if response.StatusCode != http.StatusOK {
		t.Errorf("got %s", response.Status)
	}
}

// onAllAddresses is a listener that says it listens on all addresses.
type onAllAddresses struct{ net.Listener }

func (onAllAddresses) Addr() net.Addr { return &net.TCPAddr{IP: net.IPv4zero, Port: 8080} }

// TestReasonsForPages: pages of other sites can read the health of an open server, and hear
// no reasons.
func TestReasonsForPages(t *testing.T) {
	h := open(t, func(c *gateway.Config) {
		c.Health, c.Origins = func() []string { return []string{"a disk is full"} }, []string{"*.example.com"}
	})
	for origin, hears := range map[string]bool{"": true, h.web.URL: true, "https://a.example.com": true, "https://evil.test": false, "null": false} {
		request, err := http.NewRequestWithContext(soon(t), http.MethodGet, h.web.URL+"/health", nil)
		if err != nil {
			t.Fatal(err)
		}
		if origin != "" {
			request.Header.Set("Origin", origin)
		}
		response, err := h.web.Client().Do(request)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(response.Body)
		if err := errors.Join(err, response.Body.Close()); err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(string(body), "degraded") || strings.Contains(string(body), "disk") != hears {
			t.Errorf("a page of %q: %s", origin, body)
		}
	}
}

// The health is degraded while the database names what does not work.
func TestHealthIsDegraded(t *testing.T) {
	var troubles []string
	h := open(t, func(c *gateway.Config) { c.Health = func() []string { return troubles } })
	if _, body, _ := fetch(t, h, "/health"); !strings.Contains(body, `"status":"ok"`) || strings.Contains(body, "reasons") {
		t.Errorf("without trouble: %s", body)
	}
	troubles = []string{"sink sqlite: retrying"}
	if code, body, _ := fetch(t, h, "/health"); code != 200 || !strings.Contains(body, `"reasons":["sink sqlite: retrying"],"status":"degraded"`) {
		t.Errorf("with trouble: %d %s", code, body)
	}
}
