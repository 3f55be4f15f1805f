package main

import (
	"bytes"
	"log/slog"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"testing"

	"github.com/aimdb-go/aimdb/internal/tlstest"
)

func writeTokens(t *testing.T, mode os.FileMode, lines ...string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "tokens")
	if err := os.WriteFile(path, []byte(strings.Join(lines, "\n")), mode); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestTokensFile(t *testing.T) {
	const hash = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
	var said bytes.Buffer
	log := slog.New(slog.NewTextHandler(&said, nil))
	all, err := readTokens(writeTokens(t, 0o600, "# who may do what", "", "dashboard token=a=b#c  read=#", " tuner\thash="+hash+" read=accuracy::* read=hub.# write=hub.settings \r", "nobody token=x"), log)
	if err != nil || len(all) != 3 {
		t.Fatalf("%v, %v", all, err)
	}
	if all[0].Token != "a=b#c" || all[0].Read[0] != "#" || all[1].Hash != hash || len(all[1].Read) != 2 || all[1].Write[0] != "hub.settings" || all[2].Read != nil {
		t.Errorf("got %+v", all)
	}
	if said.Len() > 0 {
		t.Errorf("it said %s", said.String())
	}
	if _, err := readTokens(writeTokens(t, 0o644, "a token=s3cret"), log); err != nil || runtime.GOOS != "windows" && !strings.Contains(said.String(), "chmod 600") {
		t.Errorf("%v, it said %q", err, said.String())
	}
	for line, says := range map[string]string{
		"a token=s3cret raed=#":        "line 2 of",
		"a token=s3cret admin=yes":     "the field 3 of a is not token=",
		"a token=s3cret read":          "the field 3 of a is not token=",
		"a s3cret==":                   "the field 2 of a is not token=",
		"a s3cret":                     "is not token=",
		"token=s3cret read=#":          "a name must come first",
		"a token=s3cret token=s3cret2": "two fields token=",
		"a read=#":                     "either the token or its hash",
		"a token=s3cret hash=" + hash:  "either the token or its hash",
		"a hash=s3cret":                "64 hexadecimal digits",
		"a token=s3cret read=a.b*":     "must stand alone",
		"first token=s3cret":           "is that of line 1",
		"a token=same":                 "are the same",
	} {
		_, err := readTokens(writeTokens(t, 0o600, "first token=same", line), log)
		if err == nil || !strings.Contains(err.Error(), says) || strings.Contains(err.Error(), "s3cret") {
			t.Errorf("%q: %v, want %q", line, err, says)
		}
	}
	if _, err := readTokens(writeTokens(t, 0o600, "# none"), log); err == nil || !strings.Contains(err.Error(), "has no token") {
		t.Errorf("an empty file: %v", err)
	}
}

// TestListenersOfTheDemo: TCP and tokens and TLS by flags.
func TestListenersOfTheDemo(t *testing.T) {
	t.Parallel()
	files := tlstest.New(t)
	tokens := writeTokens(t, 0o600, "reader token=t0ken read=accuracy.*")
	d := startDemo(t, t.TempDir(), "--steps", "1", "--tcp", "127.0.0.1:0", "--tokens", tokens, "--tls-cert", files.ServerCert, "--tls-key", files.ServerKey)
	endpoint := regexp.MustCompile(`tcps://\S+`).FindString(d.said)
	at := func(args ...string) result { return aimdb(t, append(args, "--connect", endpoint, "--ca", files.CA)...) }
	if out := at("record", "list", "--token", "t0ken").ok(t); !strings.Contains(out, "accuracy::") || strings.Contains(out, "hub.settings") {
		t.Errorf("the list over TCP is %s", out)
	}
	at("record", "list").fails(t, exitFailed, "auth_token")
	d.stop(t)
}

// TestListenersOfTheGateway: the same for a database elsewhere, and the warnings.
func TestListenersOfTheGateway(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.produce(3)
	tokens := writeTokens(t, 0o600, "reader token=t0ken read=n::a")
	g := w.start("gateway", "--socket", "off", "--tcp", ":0", "--http", "0.0.0.0:0", "--tokens", tokens)
	var tcp string
	soon(t, "the gateway serves", func() bool {
		found := regexp.MustCompile(`tcp=(127\.0\.0\.1:\d+)`).FindStringSubmatch(g.output())
		if found != nil {
			tcp = found[1]
		}
		return found != nil && aimdb(t, "record", "get", "n::a", "--connect", "tcp://"+tcp, "--token", "t0ken").stdout == "3\n"
	})
	aimdb(t, "record", "get", "n::a", "--connect", "tcp://"+tcp).fails(t, exitFailed, "auth_token")
	if said := g.output(); !strings.Contains(said, "encrypts nothing") || strings.Contains(said, "t0ken ") {
		t.Errorf("it said %s", said)
	}
	open := w.start("gateway", "--socket", "off", "--http", "0.0.0.0:0")
	soon(t, "a listener for everybody is warned of", func() bool { return strings.Contains(open.output(), "may read all Remote records") })
	for _, args := range [][]string{
		{"--socket", "off", "--tcp", "off"}, {"--tls-cert", "x"}, {"--tls-cert", "x", "--tls-key", "y"}, {"--tokens", tokens},
	} {
		aimdb(t, w.args(append([]string{"gateway"}, args...)...)...).fails(t, exitUsage)
	}
	aimdb(t, w.args("gateway", "--tcp", "127.0.0.1:0", "--tokens", "absent")...).fails(t, exitFailed, "absent")
}
