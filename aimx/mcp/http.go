package mcp

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
	"time"

	sdk "github.com/modelcontextprotocol/go-sdk/mcp"
)

const (
	headerTimeout   = 10 * time.Second
	shutdownTimeout = 5 * time.Second
)

// Path is the path of the server over HTTP.
const Path = "/mcp"

// Serve serves clients over streamable HTTP at Path until ctx ends. Without a token the
// listener must be on loopback. It closes the listener.
func (s *Server) Serve(ctx context.Context, l net.Listener, token string) error {
	if tcp, ok := l.Addr().(*net.TCPAddr); token == "" && (!ok || !tcp.IP.IsLoopback()) {
		_ = l.Close() // it has served nothing
		return fmt.Errorf("other machines reach %v, so clients must present a token; give one, or listen on 127.0.0.1", l.Addr())
	}
	web := &http.Server{Handler: s.handler(token), ReadHeaderTimeout: headerTimeout}
	ended := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		defer close(ended)
		limited, cancel := context.WithTimeout(context.WithoutCancel(ctx), shutdownTimeout)
		defer cancel()
		if web.Shutdown(limited) != nil {
			_ = web.Close() // calls that still run are cut
		}
	})
	err := web.Serve(l)
	if stop() {
		return fmt.Errorf("serve %v: %w", l.Addr(), err)
	}
	<-ended
	if errors.Is(err, http.ErrServerClosed) {
		return nil
	}
	return err
}

// handler checks the token and the origin of a request. The SDK refuses other hosts than
// loopback on a loopback listener, which is what DNS rebinding needs.
func (s *Server) handler(token string) http.Handler {
	mcp := sdk.NewStreamableHTTPHandler(func(*http.Request) *sdk.Server { return s.mcp },
		&sdk.StreamableHTTPOptions{Stateless: true, JSONResponse: true, Logger: s.config.Logger, PropagateRequestCancellation: true})
	mux := http.NewServeMux()
	mux.Handle(Path, bearer(token, http.NewCrossOriginProtection().Handler(mcp)))
	return mux
}

// bearer admits requests that present the token, all if it is empty.
func bearer(token string, next http.Handler) http.Handler {
	if token == "" {
		return next
	}
	want := sha256.Sum256([]byte(token))
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		scheme, given, _ := strings.Cut(r.Header.Get("Authorization"), " ")
		got := sha256.Sum256([]byte(strings.TrimSpace(given)))
		if !strings.EqualFold(scheme, "Bearer") || subtle.ConstantTimeCompare(got[:], want[:]) != 1 {
			w.Header().Set("WWW-Authenticate", "Bearer")
			http.Error(w, "present the token of this server in the header Authorization, as Bearer", http.StatusUnauthorized)
			return
		}
		next.ServeHTTP(w, r)
	})
}
