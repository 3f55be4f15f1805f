package main

import (
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"

	"github.com/spf13/pflag"

	"github.com/aimdb-go/aimdb/aimx/gateway"
	"github.com/aimdb-go/aimdb/internal/tlsfile"
)

// listenFlags are the flags of commands that serve AimX to other machines.
type listenFlags struct {
	tcp, cert, key, tokensFile string
}

func (l *listenFlags) addFlags(f *pflag.FlagSet) {
	f.StringVar(&l.tcp, "tcp", "", "address that serves AimX over TCP, such as 127.0.0.1:7433")
	f.StringVar(&l.cert, "tls-cert", "", "certificate of the web server and of --tcp, which use TLS then")
	f.StringVar(&l.key, "tls-key", "", "private key of --tls-cert")
	f.StringVar(&l.tokensFile, "tokens", "", "file of the tokens that clients over HTTP and TCP must present")
}

// check returns a usage error if the flags contradict each other. http is the address of
// the web server, empty if there is none.
func (l *listenFlags) check(http string) error {
	if l.tcp == "off" {
		l.tcp = ""
	}
	if err := tlsfile.Check(l.cert, l.key, ""); err != nil {
		return usageError{fmt.Errorf("--tls-cert and --tls-key: %w", err)}
	}
	if http == "" && l.tcp == "" && (l.cert != "" || l.tokensFile != "") {
		return usageError{errors.New("--tls-cert and --tokens are for --http and --tcp, and neither is given; a unix socket admits its owner only")}
	}
	return nil
}

// tokens reads the tokens, none if there is no file of them.
func (l *listenFlags) tokens(logger *slog.Logger) ([]gateway.Token, error) {
	if l.tokensFile == "" {
		return nil, nil
	}
	return readTokens(l.tokensFile, logger)
}

// listen opens a listener. An address without a host is one of loopback. It warns of one
// that other machines reach and that asks for nothing, or encrypts nothing.
func (l *listenFlags) listen(address string, logger *slog.Logger) (net.Listener, error) {
	if host, port, err := net.SplitHostPort(address); err == nil && host == "" {
		address = net.JoinHostPort("127.0.0.1", port)
	}
	var secure *tls.Config
	if l.cert != "" {
		var err error
		if secure, err = tlsfile.Server(l.cert, l.key, ""); err != nil {
			return nil, err
		}
	}
	listener, err := net.Listen("tcp", address)
	if err != nil {
		return nil, err
	}
	const advice = "listen on 127.0.0.1, or let only trusted machines reach the port"
	switch {
	case !exposed(listener.Addr().String()):
	case l.tokensFile == "":
		logger.Warn("every machine that reaches the listener may read all Remote records: give --tokens and --tls-cert, "+advice, "address", listener.Addr().String())
	case secure == nil:
		logger.Warn("the listener encrypts nothing, and every machine on the way can read the tokens and the values: give --tls-cert, "+advice, "address", listener.Addr().String())
	}
	if secure != nil {
		return tls.NewListener(listener, secure), nil
	}
	return listener, nil
}
