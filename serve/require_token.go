package serve

import (
	"net"

	"github.com/aimdb-go/aimdb"
)

// requireToken refuses listeners that other machines reach and that let everybody in, if
// require_token is set.
func (c *checker) requireToken() {
	if !c.RequireToken {
		return
	}
	const advice = "%s can be reached by other machines and asks for nothing, which require_token forbids; give %s, or listen on 127.0.0.1"
	nobody := len(c.Tokens)+len(c.Users) == 0
	mqttFiles := c.MQTTTLS
	if mqttFiles == (aimdb.TLSFiles{}) {
		mqttFiles = c.TLS
	}
	open := map[string]bool{
		"http": nobody && c.TLS.CAFile == "",
		"tcp":  nobody && c.TLS.CAFile == "",
		"mqtt": nobody && mqttFiles.CAFile == "",
		"nats": withFiles(c.NATSAccess, c.NATSTLS, c.TLS, c.NATS != "").Everybody(),
	}
	for _, l := range c.addresses() {
		if !open[l.setting] || !reachable(l.address) {
			continue
		}
		needed := "tokens or users"
		if l.setting == "nats" {
			needed = "nats_access"
		}
		c.fail(l.setting, advice, l.address, needed)
	}
}

// reachable reports whether other machines can reach an address. A name other than localhost
// may be that of any interface.
func reachable(address string) bool {
	host, _, err := net.SplitHostPort(address)
	if err != nil || host == "localhost" { // the listener refuses what is no address
		return false
	}
	ip := net.ParseIP(host)
	return ip == nil || !ip.IsLoopback()
}
