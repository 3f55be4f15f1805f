package aimdb

import (
	"bytes"
	"log/slog"
	"net"
	"strings"
	"testing"
)

// An address that other machines reach is warned of once, unless its clients have to
// present something. The test does not listen on such an address.
func TestWarningsOfOpenAddresses(t *testing.T) {
	at := func(ip string) net.Addr { return &net.TCPAddr{IP: net.ParseIP(ip), Port: 4222} }
	const nats, web, tcp, plain = "NATSAccess", "reaches the web server", "reaches the TCP listener", "encrypts nothing"
	tokens := []Token{{Token: "t"}}
	secure := TLSFiles{CertFile: "c", KeyFile: "k"}
	for name, c := range map[string]struct {
		access         Access
		tokens         []Token
		tls            TLSFiles
		nats, tcp, web net.Addr
		want           []string
	}{
		"no listeners":         {},
		"loopback":             {nats: at("127.0.0.1"), web: at("::1")},
		"another loopback":     {nats: at("127.0.0.2"), web: at("127.0.0.2")},
		"NATS":                 {nats: at("0.0.0.0"), want: []string{nats}},
		"NATS, IPv6":           {nats: at("::"), want: []string{nats}},
		"NATS, one interface":  {nats: at("192.0.2.1"), want: []string{nats}},
		"web":                  {web: at("::"), want: []string{web}},
		"both":                 {nats: at("::"), web: at("0.0.0.0"), want: []string{nats, web}},
		"TCP":                  {tcp: at("::"), want: []string{tcp + " may read all Remote records and set all Writable ones, and nothing is encrypted"}},
		"TCP on loopback":      {tcp: at("127.0.0.1")},
		"TCP, tokens":          {tcp: at("::"), tokens: tokens, want: []string{plain}},
		"TCP, TLS":             {tcp: at("::"), tls: secure, want: []string{tcp}},
		"tokens and TLS":       {tcp: at("::"), web: at("::"), tokens: tokens, tls: secure},
		"tokens alone":         {tcp: at("::"), web: at("::"), tokens: tokens, want: []string{"the web server " + plain, "the TCP listener " + plain}},
		"their certificates":   {tcp: at("::"), web: at("::"), tls: TLSFiles{"c", "k", "a"}},
		"token":                {access: Access{Token: "t"}, nats: at("::"), web: at("::"), want: []string{web}},
		"users":                {access: Access{Users: map[string]string{"ann": "x"}}, nats: at("::")},
		"keys":                 {access: Access{NKeys: []string{"U"}}, nats: at("::")},
		"client certificates":  {access: Access{CertFile: "c", KeyFile: "k", CAFile: "a"}, nats: at("::")},
		"only the server's":    {access: Access{CertFile: "c", KeyFile: "k"}, nats: at("::"), want: []string{nats}},
		"loopback and a token": {access: Access{Token: "t"}, nats: at("127.0.0.1")},
	} {
		t.Run(name, func(t *testing.T) {
			var said bytes.Buffer
			config := Config{Name: "hub", NATSAccess: c.access, Tokens: c.tokens, TLS: c.tls, Logger: slog.New(slog.NewTextHandler(&said, nil))}
			config.warnOfExposure(c.nats, c.tcp, c.web)
			if n := strings.Count(said.String(), "level=WARN"); n != len(c.want) {
				t.Errorf("%d warnings, want %d: %s", n, len(c.want), said.String())
			}
			for _, part := range append(c.want, "") {
				if !strings.Contains(said.String(), part) {
					t.Errorf("no warning with %q: %s", part, said.String())
				}
			}
		})
	}
}

// The addresses of real listeners on loopback are known as such.
func TestLoopbackIsNotWarnedOf(t *testing.T) {
	var said bytes.Buffer
	db, err := New(NATS("127.0.0.1:0"), HTTP("127.0.0.1:0", nil), TCP(":0"), Logger(slog.New(slog.NewTextHandler(&said, nil))))
	if err != nil {
		t.Fatal(err)
	}
	nats, tcp, web := db.server.Addr(), addrOf(db.listeners.tcp), addrOf(db.listeners.web)
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	if nats == nil || tcp == nil || web == nil || strings.Contains(said.String(), "every machine") {
		t.Errorf("listening on %v, %v and %v: %s", nats, tcp, web, said.String())
	}
}
