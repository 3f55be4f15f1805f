package gateway

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"path"
	"strings"
)

// CheckHost guards a handler on a loopback listener against DNS rebinding: a name
// of an attacker that resolves to 127.0.0.1 makes the attacker's page same-origin
// with this server. It refuses requests whose Host is neither a loopback address
// nor localhost nor one of Config.Origins. Handler is guarded already.
//
// A listener on another address has names that are not known here, and is not
// guarded. Set BaseContext of the web server to ListenerContext if it listens on
// all addresses; without it, the local address of a connection decides.
func (s *Server) CheckHost(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if listensOnLoopback(r.Context()) && !s.admitsHost(r.Host) {
			s.config.Logger.Debug("an HTTP request was refused because of its host", "host", r.Host, "remote", r.RemoteAddr)
			refuseHost(w, r)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// refuseHost answers a request of a host that is not served: as a problem of RFC 9457 below
// /api, where clients expect one.
func refuseHost(w http.ResponseWriter, r *http.Request) {
	const status = http.StatusForbidden
	detail := fmt.Sprintf("the host %q is not served: this server listens on loopback; open it as localhost or 127.0.0.1, or add the host to Origins", r.Host)
	if r.URL.Path != "/api" && !strings.HasPrefix(r.URL.Path, "/api/") {
		http.Error(w, detail, status)
		return
	}
	w.Header().Set("Content-Type", "application/problem+json")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(status)
	problem := map[string]any{"title": http.StatusText(status), "status": status, "detail": detail}
	_ = json.NewEncoder(w).Encode(problem) // it fails if the client has left
}

// listenerKey is the key of a listener's address in a context.
type listenerKey struct{}

// ListenerContext is a BaseContext of a web server. It tells CheckHost the address
// of the listener.
func ListenerContext(l net.Listener) context.Context {
	return context.WithValue(context.Background(), listenerKey{}, l.Addr())
}

// listensOnLoopback reports whether a request came through a loopback listener.
func listensOnLoopback(ctx context.Context) bool {
	addr, ok := ctx.Value(listenerKey{}).(net.Addr)
	if !ok {
		addr, _ = ctx.Value(http.LocalAddrContextKey).(net.Addr)
	}
	tcp, ok := addr.(*net.TCPAddr)
	return ok && tcp.IP.IsLoopback()
}

// admitsHost reports whether a request may name host, which may have a port. A
// request of HTTP/1.0 may name none; browsers always do.
func (s *Server) admitsHost(host string) bool {
	host = strings.ToLower(host)
	name := hostname(host)
	if host == "" || isLoopback(name) {
		return true
	}
	for _, origin := range s.config.Origins {
		pattern := strings.ToLower(origin)
		if _, rest, found := strings.Cut(pattern, "://"); found {
			pattern = rest
		}
		for _, candidate := range []string{host, name} {
			if ok, err := path.Match(pattern, candidate); err == nil && ok {
				return true
			}
		}
	}
	return false
}

// hostname returns a host without its port.
func hostname(host string) string {
	if name, _, err := net.SplitHostPort(host); err == nil {
		return name
	}
	return strings.Trim(host, "[]")
}

func isLoopback(name string) bool {
	name = strings.TrimSuffix(name, ".")
	if name == "localhost" || strings.HasSuffix(name, ".localhost") {
		return true
	}
	ip, err := netip.ParseAddr(name)
	return err == nil && ip.Unmap().IsLoopback()
}
