package main

import (
	"io"
	"net/http"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"
)

// serveAssistants starts aimdb mcp on a free port and returns its URL.
func serveAssistants(t *testing.T, args ...string) string {
	t.Helper()
	c := &child{t: t, cmd: exec.Command(os.Getenv(binaryVariable), append([]string{"mcp", "--listen", "127.0.0.1:0"}, args...)...)}
	c.cmd.Stdout, c.cmd.Stderr = c, c
	if err := c.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.kill)
	c.says("assistants are served at")
	return regexp.MustCompile(`http://\S+`).FindString(c.output())
}

// headers adds a header to each request.
type headers struct{ name, value string }

// RoundTrip implements http.RoundTripper.
func (h headers) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	r.Header.Set(h.name, h.value)
	if h.name == "Host" {
		r.Host = h.value
	}
	return http.DefaultTransport.RoundTrip(r)
}

func withHeaders(name, value string) *http.Client {
	return &http.Client{Transport: headers{name, value}}
}

// post asks for the tools in one request with a header, and returns status and body.
func post(t *testing.T, url, header, value string) (int, string) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url, strings.NewReader(`{"jsonrpc":"2.0","id":1,"method":"tools/list"}`))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("Accept", "application/json, text/event-stream")
	response, err := withHeaders(header, value).Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }() // it was read
	text, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, string(text)
}
