package api

import (
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"strings"
)

// checkHost refuses requests whose Host is not loopback.
func checkHost(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !isLoopback(r.Host) {
			respondError(w, failf(notFound, http.StatusForbidden, "the host %q is not served: this server listens on loopback; ask it as localhost or 127.0.0.1", r.Host))
			return
		}
		next.ServeHTTP(w, r)
	})
}

// isLoopback reports whether a host, which may have a port, is this machine's loopback.
func isLoopback(host string) bool {
	name := strings.Trim(host, "[]")
	if n, _, err := net.SplitHostPort(host); err == nil {
		name = n
	}
	name = strings.ToLower(strings.TrimSuffix(name, "."))
	if name == "localhost" {
		return true
	}
	ip, err := netip.ParseAddr(name)
	return err == nil && ip.Unmap().IsLoopback()
}

// Listen listens on an address of loopback, and refuses any other.
func Listen(address string) (net.Listener, error) {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return nil, fmt.Errorf("listen on %q: %w; write it like 127.0.0.1:9201", address, err)
	}
	if !isLoopback(host) {
		return nil, fmt.Errorf("listen on %q: only addresses of loopback are served, since clients need no password; use 127.0.0.1, and a proxy that asks who comes for other machines", address)
	}
	listener, err := net.Listen("tcp", address)
	if err != nil {
		return nil, fmt.Errorf("listen on %s: %w; give another address with -listen", address, err)
	}
	return listener, nil
}
