// Package tcpproxy is a TCP proxy on loopback for tests that cut a connection and let it
// come back.
package tcpproxy
