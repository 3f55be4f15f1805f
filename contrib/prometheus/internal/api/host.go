package api

import (
	"net"
	"net/netip"
	"strings"
)

// IsLoopback reports whether a host, which may have a port, is this machine's loopback.
func IsLoopback(host string) bool {
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
