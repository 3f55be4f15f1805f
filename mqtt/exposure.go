package mqtt

import (
	"crypto/tls"
	"net"
)

// warnOfExposure warns of a listener that other machines reach and that asks for nothing, or
// that encrypts nothing.
func (s *Server) warnOfExposure(a net.Addr) {
	t, ok := a.(*net.TCPAddr)
	if !ok || t.IP.IsLoopback() {
		return
	}
	switch {
	case s.config.TLS != nil && s.config.TLS.ClientAuth == tls.RequireAndVerifyClientCert:
	case s.access.Open():
		s.config.Logger.Warn("every machine that reaches the MQTT listener may read all Remote records and set all Writable ones: set tokens or users, and tls", "address", t.String())
	case s.config.TLS == nil:
		s.config.Logger.Warn("the MQTT listener encrypts nothing: who sees its traffic has the passwords and tokens of its clients; set mqtt_tls", "address", t.String())
	}
}
