package main

import (
	"context"
	"path/filepath"
	"strings"
	"testing"

	embedded "github.com/aimdb-go/aimdb"
	"github.com/aimdb-go/aimdb/internal/tlstest"
	"github.com/aimdb-go/aimdb/sinks/sqlite"
)

// TestTokenAndCA: over TCP and WebSocket with TLS, the commands that talk to a database
// take its authority and a token from the flags or the environment, and never print it.
func TestTokenAndCA(t *testing.T) {
	const token = "t0ken-of-the-kitchen"
	files := tlstest.New(t)
	at := serveTokens(t, files, embedded.Token{Token: token, Read: []string{"kitchen.*"}, Write: []string{"kitchen.*"}})
	for scheme, address := range map[string]string{"tcps://": at.TCP, "wss://": at.HTTP} {
		endpoint := scheme + address
		show := []string{"--ca", files.CA, "--token", token}
		connect := append([]string{"--connect", endpoint}, show...)
		aimdb(t, append([]string{"record", "set", "kitchen.light", "5"}, connect...)...).ok(t)
		if out := aimdb(t, append([]string{"record", "get", "kitchen.light"}, connect...)...).ok(t); !strings.Contains(out, "5") {
			t.Errorf("get over %s: %s", scheme, out)
		}
		if out := aimdb(t, append([]string{"record", "list"}, connect...)...).ok(t); strings.Contains(out, "cellar") {
			t.Errorf("list over %s: %s", scheme, out)
		}
		if out := aimdb(t, append([]string{"instance", "info"}, connect...)...).ok(t); !strings.Contains(out, "kitchen.light") {
			t.Errorf("info over %s: %s", scheme, out)
		}
		aimdb(t, append([]string{"record", "get", "cellar.light"}, connect...)...).fails(t, exitFailed, "denied", "does not grant")
		aimdb(t, append([]string{"history", "query", endpoint, "#"}, show...)...).fails(t, exitFailed, "denied", "narrower pattern")
		for _, args := range [][]string{
			{"history", "query", endpoint, "kitchen.*"}, {"history", "stats", endpoint}, {"history", "export", endpoint, "kitchen.*"},
		} {
			aimdb(t, append(args, show...)...).ok(t)
		}
		if r := aimdb(t, append([]string{"verify", endpoint}, show...)...); strings.Contains(r.stderr, "denied") || r.code == exitFailed {
			t.Errorf("verify over %s: %d %s", scheme, r.code, r.stderr)
		}
		aimdb(t, "record", "list", "--connect", endpoint, "--token", token).fails(t, exitFailed, "give the CA")
		aimdb(t, "record", "list", "--connect", endpoint, "--ca", files.CA).fails(t, exitFailed, "auth_token")
		wrong := aimdb(t, "record", "list", "--connect", endpoint, "--ca", files.CA, "--token", "t0ken-wrong")
		wrong.fails(t, exitFailed, "token")
		if strings.Contains(wrong.stderr, "t0ken") {
			t.Errorf("the token is printed: %s", wrong.stderr)
		}
	}
	aimdb(t, "record", "list", "--connect", "tcps://"+at.TCP, "--ca", "absent.pem").fails(t, exitUsage, "absent.pem")
	t.Setenv("AIMDB_TOKEN", token)
	aimdb(t, "record", "list", "--connect", "tcps://"+at.TCP, "--ca", files.CA).ok(t)
	aimdb(t, "history", "stats", "tcps://"+at.TCP, "--ca", files.CA).ok(t)
	aimdb(t, "record", "list", "--connect", "tcps://"+at.TCP, "--ca", files.CA, "--token", "wrong").fails(t, exitFailed, "token")
	if help := aimdb(t, "record", "list", "--help").ok(t); strings.Contains(help, token) {
		t.Error("the help prints the token of the environment")
	}
}

// TestTokenForASocket: a socket ignores a token, so that a command with one is refused
// before it does anything, and a token of the environment is warned about once.
func TestTokenForASocket(t *testing.T) {
	db, endpoints := serveProduced(t)
	socket := endpoints[0]
	t.Setenv("AIMDB_SOCKETS", filepath.Dir(socket))
	for _, args := range [][]string{
		{"produce", "attic.air"}, {"produce", "attic.air", "--connect", socket}, {"produce", "attic.air", "--connect", "unix://" + socket},
		{"record", "list"}, {"record", "set", "attic.lamp", "5"}, {"history", "stats", socket}, {"verify", socket},
		{"watch", "#", "--count", "1"}, {"mcp", "--connect", socket}, {"mcp"}, {"doctor", "--connect", socket},
	} {
		r := aimdbIn(t, `{"celsius":1}`, append(args, "--token", "wrongwrong")...)
		r.fails(t, exitUsage, "--token", "--connect", "leave the token out")
		if strings.Contains(r.stderr, "wrongwrong") {
			t.Errorf("the token is printed: %s", r.stderr)
		}
	}
	if n := db.Ingest().Counts().Accepted; n != 0 {
		t.Errorf("%d values were written", n)
	}
	t.Setenv("AIMDB_TOKEN", "wrongwrong")
	r := aimdbIn(t, `{"celsius":1}`, "produce", "attic.air")
	r.ok(t)
	if strings.Count(r.stderr, "AIMDB_TOKEN has no effect") != 1 || strings.Contains(r.stderr, "wrongwrong") {
		t.Errorf("it warns %q", r.stderr)
	}
	if r := aimdb(t, "record", "list", "--connect", endpoints[2]); strings.Contains(r.stderr, "AIMDB_TOKEN") {
		t.Errorf("over TCP it warns %q", r.stderr)
	}
}

// serveTokens runs a database with two records, TLS and a token.
func serveTokens(t *testing.T, files tlstest.Files, token embedded.Token) embedded.Addresses {
	t.Helper()
	store, err := sqlite.Open(filepath.Join(t.TempDir(), "history.db"))
	if err != nil {
		t.Fatal(err)
	}
	db, err := embedded.New(embedded.TCP("127.0.0.1:0"), embedded.HTTP("127.0.0.1:0", nil), embedded.WithPersistence(store, 0),
		embedded.TLS(embedded.TLSFiles{CertFile: files.ServerCert, KeyFile: files.ServerKey}), embedded.Tokens(token))
	if err != nil {
		t.Fatal(err)
	}
	for _, key := range []string{"kitchen.light", "cellar.light"} {
		if _, err := embedded.Register[int](db, key, embedded.Latest(), embedded.Remote(), embedded.Writable(), embedded.Persist()); err != nil {
			t.Fatal(err)
		}
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- db.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("Run: %v", err)
		}
	})
	select {
	case <-db.Ready():
	case err := <-done:
		done <- err
		t.Fatal("the database did not start")
	}
	return db.Addresses()
}
