package aimx_test

import (
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aimdb-go/aimdb/aimx"
)

func TestDialErrors(t *testing.T) {
	mute := filepath.Join(t.TempDir(), "mute")
	l, err := net.Listen("unix", mute)
	if err != nil {
		t.Fatal(err)
	}
	defer closing(t, l)
	go func() {
		if conn, err := l.Accept(); err == nil {
			_ = conn.Close()
		}
	}()
	web := httptest.NewServer(http.NotFoundHandler())
	defer web.Close()
	for endpoint, want := range map[string]string{
		"":                                 "names no socket",
		"serial:///dev/ttyS0":              "not supported yet; write unix://PATH",
		"tcp://127.0.0.1":                  "no host and port",
		"tcp://:7433":                      "no host and port",
		"tcp://127.0.0.1:1":                "nobody listens there",
		"tcps://[::1]:1":                   "[::1]:1",
		"ftp://localhost:1":                "unknown scheme \"ftp\"; write unix://PATH",
		"http://":                          "no host and port",
		"ws://localhost":                   "no host and port",
		"unix://":                          "names no socket",
		"@abstract":                        "path in the file system",
		"/tmp/" + strings.Repeat("x", 200): "use a shorter one",
		filepath.Join(t.TempDir(), "no"):   "start the database",
		mute:                               "is not full",
		"ws://127.0.0.1:1":                 "nobody listens there",
		"ws://" + web.Listener.Addr().String() + "/elsewhere": "404",
	} {
		_, err := aimx.Dial(soon(t), endpoint)
		if err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), endpoint) {
			t.Errorf("%q: got %v, want %q", endpoint, err, want)
		}
	}
}

// TestEndpointsHideSecrets: neither an error nor the text of an endpoint has a password or
// a token.
func TestEndpointsHideSecrets(t *testing.T) {
	for _, text := range []string{
		"ftp://u:s3cret@h/x", "ftp://h/x?token=s3cret", "tcp://u:s3cret@h", "serial://u:s3cret@h", "ws://u:s3cret@h", "ws://h?token=s3cret",
		"ws://u:s3cret@h:x", "ws://u:s3cret@h:1%", "ws://u:s3cret@h:1/ws?token=s3cret",
	} {
		e, err := aimx.ParseEndpoint(text)
		if said := fmt.Sprint(e.String(), err); strings.Contains(said, "s3cret") {
			t.Errorf("%s: %s", text, said)
		}
	}
}
