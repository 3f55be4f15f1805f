package gateway

import (
	"bytes"
	"crypto/sha256"
	_ "embed"
	"encoding/hex"
	"net/http"
	"net/url"
	"path"
	"strings"
	"time"
)

// module is the client for web pages.
//
//go:embed aimx.js
var module []byte

// serveModule returns a handler of the client for web pages. Pages of those origins that
// may open a WebSocket may import it.
func (s *Server) serveModule() http.HandlerFunc {
	sum := sha256.Sum256(module)
	tag := `"` + hex.EncodeToString(sum[:8]) + `"`
	return func(w http.ResponseWriter, r *http.Request) {
		head := w.Header()
		head.Set("Content-Type", "text/javascript; charset=utf-8")
		head.Set("X-Content-Type-Options", "nosniff")
		head.Set("Cache-Control", "no-cache") // a new binary has a new client
		head.Set("ETag", tag)
		head.Set("Vary", "Origin")
		if origin := r.Header.Get("Origin"); s.admitsOrigin(origin) {
			head.Set("Access-Control-Allow-Origin", origin)
		}
		http.ServeContent(w, r, "aimx.js", time.Time{}, bytes.NewReader(module))
	}
}

// origins are patterns of the hosts whose pages are admitted, beside the server's own.
func (s *Server) origins() []string {
	return append([]string{"localhost", "localhost:*", "127.0.0.1", "127.0.0.1:*", `\[::1\]`, `\[::1\]:*`}, s.config.Origins...)
}

// admitsOrigin reports whether pages of another origin are admitted, by the rule for
// WebSockets: a pattern with a scheme is one of the whole origin.
func (s *Server) admitsOrigin(origin string) bool {
	u, err := url.Parse(origin)
	if err != nil || u.Host == "" {
		return false
	}
	for _, pattern := range s.origins() {
		target := u.Host
		if strings.Contains(pattern, "://") {
			target = u.Scheme + "://" + u.Host
		}
		if ok, err := path.Match(strings.ToLower(pattern), strings.ToLower(target)); err == nil && ok {
			return true
		}
	}
	return false
}
