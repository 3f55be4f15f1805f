// Package tlsfile reads certificates for TLS from PEM files. Its errors name the file.
package tlsfile
