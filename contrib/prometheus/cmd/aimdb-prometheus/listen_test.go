package main

import (
	"errors"
	"flag"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/aimdb-go/aimdb/internal/tlsfile"
	"github.com/aimdb-go/aimdb/internal/tlstest"
)

const secret = "s3cret-of-the-graphs"

// tokenFile writes a file of tokens.
func tokenFile(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "tokens.yaml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// TestDoor: other machines come in with TLS and a token only.
func TestDoor(t *testing.T) {
	files, tokens := tlstest.New(t), tokenFile(t, "tokens: [{token: "+secret+", read: ['#']}]")
	for _, c := range []struct {
		listen, tokens, cert, key string
		want                      string // of the error, or the scheme of the URL
	}{
		{listen: "127.0.0.1:0", want: "http://"},
		{listen: "localhost:0", tokens: tokens, want: "http://"},
		{listen: "127.0.0.1:0", cert: files.ServerCert, key: files.ServerKey, want: "https://"},
		{listen: "0.0.0.0:0", tokens: tokens, want: "needs -tokens, and TLS"},
		{listen: ":0", cert: files.ServerCert, key: files.ServerKey, want: "needs -tokens, and TLS"},
		{listen: "[::]:0", want: "needs -tokens, and TLS"},
		{listen: "10.0.0.1:0", want: "needs -tokens, and TLS"},
		{listen: "127.0.0.1", want: "write it like 127.0.0.1:9201"},
		{listen: "127.0.0.1:0", cert: files.ServerCert, want: "both a certificate and a key"},
		{listen: "127.0.0.1:0", cert: files.CA, key: files.ServerKey, want: "load the TLS certificate"},
		{listen: "127.0.0.1:0", tokens: files.CA, want: "read the tokens"},
		{listen: "127.0.0.1:0", tokens: filepath.Join(t.TempDir(), "none"), want: "read the tokens"},
	} {
		d, err := (&settings{listen: c.listen, tokens: c.tokens, cert: c.cert, key: c.key}).openDoor()
		said := d.url
		if err != nil {
			said = err.Error()
		} else if err := d.Close(); err != nil {
			t.Error(err)
		}
		if !strings.Contains(said, c.want) || (err == nil) != strings.HasSuffix(c.want, "://") || (d.tokens != nil) != (err == nil && c.tokens != "") {
			t.Errorf("%+v: %s, %v", c, said, err)
		}
	}
}

// TestVersion: a program of a release says what it was built from.
func TestVersion(t *testing.T) {
	var out strings.Builder
	err := run(t.Context(), []string{"-version"}, os.Getenv, &out)
	if !errors.Is(err, flag.ErrHelp) || !strings.Contains(out.String(), runtime.Version()) {
		t.Errorf("it says %q and ends with %v", &out, err)
	}
}

// TestWrongTokens: an error has the place and not the token.
func TestWrongTokens(t *testing.T) {
	for text, want := range map[string]string{
		"":           "it has none",
		"tokens: []": "it has none",
		"tokens:\n- token: " + secret + "\n  reads: ['#']\n":                   `:3:3: read the tokens: unknown field "reads"`,
		"tokens:\n- " + secret + "\n":                                          ":2:3: read the tokens",
		"tokens: [{token: " + secret + ", read: ['a*']}]":                      "wildcard",
		"tokens: [{token: " + secret + "}, {token: " + secret + "}]":           "tokens 1 and 2 are the same",
		"tokens: [{token: " + secret + ", hash: '12'}]":                        "either the token or its hash",
		"tokens: [{token: " + secret:                                           "read the tokens",
		"tokens: [{token: " + secret + "}]\ntokens: [{token: " + secret + "}]": ":2:1: read the tokens",
	} {
		_, err := readTokens(tokenFile(t, text))
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), secret) {
			t.Errorf("%q: %v, want %q", text, err, want)
		}
	}
}

// TestTLS asks over TLS, with a token and without, and without TLS.
func TestTLS(t *testing.T) {
	files := tlstest.New(t)
	dir := shortDir(t)
	fill(t, filepath.Join(dir, "history.db"), each(minutes()))
	server := startAdapterAt(t, `url=(https://127\.0\.0\.1:\d+)`, "-history", filepath.Join(dir, "history.db"),
		"-tls-cert", files.ServerCert, "-tls-key", files.ServerKey, "-tokens", tokenFile(t, "tokens: [{token: "+secret+", read: [accuracy.seattle]}]"))
	config, err := tlsfile.Client(files.CA)
	if err != nil {
		t.Fatal(err)
	}
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: config}}
	defer client.CloseIdleConnections()
	for token, want := range map[string]string{"": "401 Unauthorized", "wrong": "401 Unauthorized", secret: `200 OK {"status":"success","data":["seattle"]}`} {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, server+"/api/v1/label/city/values", nil)
		if err != nil {
			t.Fatal(err)
		}
		if token != "" {
			r.Header.Set("Authorization", "Bearer "+token)
		}
		answer, err := client.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(answer.Body)
		_ = answer.Body.Close()
		if got := answer.Status + " " + string(body); err != nil || !strings.HasPrefix(got, want) {
			t.Errorf("with %q: %s, %v; want %s", token, got, err, want)
		}
	}
	if answer, err := http.Get(strings.Replace(server, "https", "http", 1) + "/api/v1/labels"); err == nil {
		if answer.StatusCode != http.StatusBadRequest {
			t.Errorf("without TLS: %s", answer.Status)
		}
		_ = answer.Body.Close()
	}
}
