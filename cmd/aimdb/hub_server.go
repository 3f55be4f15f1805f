package main

import (
	"fmt"
	"log/slog"
	"net"
	"os"
	"strings"

	"github.com/aimdb-go/aimdb/bus"
	"github.com/aimdb-go/aimdb/bus/natsd"
)

// openServer starts the server of a hub, which sites join.
func (o *hubOptions) openServer(log *slog.Logger) (*natsd.Server, error) {
	sites, err := o.natsSites()
	if err != nil {
		return nil, err
	}
	if o.passwords == "" && exposed(o.leaf) {
		log.Warn("everything that reaches the port for leaf nodes may join as a site: give --passwords, or listen on 127.0.0.1", "address", o.leaf)
	}
	server, err := natsd.Open(natsd.Config{
		Name: "aimdb-hub-" + o.name, Dir: hubLog(o.dir), LeafListen: o.leaf, Sites: sites, Listen: o.nats,
		Access: natsd.Access{CertFile: o.tls.cert, KeyFile: o.tls.key, CAFile: o.tls.ca},
		Stream: bus.HubStreamName(o.name), Readable: bus.LogSubject("*"), MaxMessage: hubMaxMessage, Logger: log,
	})
	if err != nil {
		return nil, err
	}
	server.AllowReads(natsd.Closed{}) // sites send nothing private
	return server, nil
}

// hubMaxMessage is more than a site sends: the largest message of a log, and the header
// that the hub adds.
const hubMaxMessage = 8 << 20

func (o *hubOptions) natsSites() (all []natsd.Site, err error) {
	passwords := map[string]string{}
	if o.passwords != "" {
		if passwords, err = readPasswords(o.passwords); err != nil {
			return nil, err
		}
	}
	for _, name := range o.sites {
		if o.passwords != "" && passwords[name] == "" {
			return nil, fmt.Errorf("the file %s has no password of the site %s; add a line %s PASSWORD", o.passwords, name, name)
		}
		all = append(all, natsd.Site{Name: name, Password: passwords[name],
			Domain: bus.Domain(name), Stream: bus.StreamName(name), Deliver: bus.DeliverPrefix(name)})
	}
	return all, nil
}

func readPasswords(path string) (map[string]string, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read the passwords of sites: %w", err)
	}
	all := map[string]string{}
	for i, line := range strings.Split(string(text), "\n") {
		fields := strings.Fields(line)
		switch {
		case len(fields) == 0:
		case len(fields) != 2:
			return nil, fmt.Errorf("line %d of %s is not NAME PASSWORD", i+1, path)
		default:
			all[fields[0]] = fields[1]
		}
	}
	return all, nil
}

// exposed reports whether other machines can reach an address to listen on.
func exposed(address string) bool {
	host, _, err := net.SplitHostPort(address)
	if err != nil || host == "" || host == "localhost" {
		return false
	}
	ip := net.ParseIP(host)
	return ip == nil || !ip.IsLoopback()
}
