package tlsfile

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"os"
)

// Server returns the configuration of a server with a certificate and its key. With
// caFile it requires client certificates that one of its authorities has signed.
func Server(certFile, keyFile, caFile string) (*tls.Config, error) {
	pair, err := tls.LoadX509KeyPair(certFile, keyFile)
	if err != nil {
		return nil, fmt.Errorf("load the TLS certificate %s with key %s: %w", certFile, keyFile, err)
	}
	config := &tls.Config{Certificates: []tls.Certificate{pair}, MinVersion: tls.VersionTLS12}
	if caFile == "" {
		return config, nil
	}
	if config.ClientCAs, err = pool(caFile); err != nil {
		return nil, err
	}
	config.ClientAuth = tls.RequireAndVerifyClientCert
	return config, nil
}

// Check returns an error if the files for Server contradict each other.
func Check(certFile, keyFile, caFile string) error {
	switch {
	case (certFile == "") != (keyFile == ""):
		return errors.New("TLS needs both a certificate and a key file")
	case caFile != "" && certFile == "":
		return errors.New("client certificates can only be required with a certificate and a key file of the server")
	}
	return nil
}

// Client returns the configuration of a client that trusts the authorities of caFile,
// and not those of the system.
func Client(caFile string) (*tls.Config, error) {
	authorities, err := pool(caFile)
	if err != nil {
		return nil, err
	}
	return &tls.Config{RootCAs: authorities, MinVersion: tls.VersionTLS12}, nil
}

// pool returns the certificate authorities of a file.
func pool(caFile string) (*x509.CertPool, error) {
	pem, err := os.ReadFile(caFile)
	if err != nil {
		return nil, fmt.Errorf("read the certificate authorities: %w", err)
	}
	authorities := x509.NewCertPool()
	if !authorities.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("%s holds no PEM certificate", caFile)
	}
	return authorities, nil
}
