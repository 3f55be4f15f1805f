// Package tlstest makes a certificate authority, and certificates of it for a server
// and a client, for tests.
package tlstest
