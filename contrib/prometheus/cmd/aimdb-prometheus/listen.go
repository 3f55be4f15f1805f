package main

import (
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"os"

	"github.com/goccy/go-yaml"

	"github.com/aimdb-go/aimdb/access"
	"github.com/aimdb-go/aimdb/contrib/prometheus/internal/api"
	"github.com/aimdb-go/aimdb/internal/tlsfile"
)

// door is where clients come in.
type door struct {
	net.Listener
	url    string
	tokens *access.List // nil without tokens
}

// openDoor listens. Other addresses than loopback need tokens and TLS.
func (s *settings) openDoor() (d door, err error) {
	host, _, err := net.SplitHostPort(s.listen)
	if err != nil {
		return d, usageError{fmt.Errorf("-listen %q: %w; write it like 127.0.0.1:9201", s.listen, err)}
	}
	if !api.IsLoopback(host) && (s.tokens == "" || s.cert == "") {
		return d, usageError{fmt.Errorf("-listen %q: an address that other machines reach needs -tokens, and TLS by -tls-cert and -tls-key; without them use 127.0.0.1", s.listen)}
	}
	if err := tlsfile.Check(s.cert, s.key, ""); err != nil {
		return d, usageError{err}
	}
	if s.tokens != "" {
		if d.tokens, err = readTokens(s.tokens); err != nil {
			return d, err
		}
	}
	scheme, config := "http://", (*tls.Config)(nil)
	if s.cert != "" {
		if config, err = tlsfile.Server(s.cert, s.key, ""); err != nil {
			return d, err
		}
		scheme = "https://"
	}
	if d.Listener, err = net.Listen("tcp", s.listen); err != nil {
		return d, fmt.Errorf("listen on %s: %w; give another address with -listen", s.listen, err)
	}
	d.url = scheme + d.Addr().String()
	if config != nil {
		config.NextProtos = []string{"http/1.1"}
		d.Listener = tls.NewListener(d.Listener, config)
	}
	return d, nil
}

// readTokens reads the tokens of a YAML file. An error holds no token.
func readTokens(path string) (*access.List, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read the tokens: %w", err)
	}
	var file struct {
		Tokens []struct {
			Token string   `yaml:"token"`
			Hash  string   `yaml:"hash"`
			Read  []string `yaml:"read"`
		} `yaml:"tokens"`
	}
	if err := yaml.UnmarshalWithOptions(data, &file, yaml.Strict()); err != nil {
		var wrong yaml.Error
		if !errors.As(err, &wrong) { // the text of the others quotes the file
			return nil, fmt.Errorf("read the tokens of %s: it is not YAML", path)
		}
		at := wrong.GetToken().Position
		return nil, fmt.Errorf("%s:%d:%d: read the tokens: %s", path, at.Line, at.Column, wrong.GetMessage())
	}
	if len(file.Tokens) == 0 {
		return nil, fmt.Errorf("read the tokens of %s: it has none; write \"tokens: [{token: TEXT, read: [PATTERN]}]\"", path)
	}
	var tokens []access.Token
	for _, t := range file.Tokens {
		tokens = append(tokens, access.Token{Token: t.Token, Hash: t.Hash, Read: t.Read})
	}
	list, err := access.NewList(tokens, nil)
	if err != nil {
		return nil, fmt.Errorf("read the tokens of %s: %w", path, err)
	}
	return list, nil
}
