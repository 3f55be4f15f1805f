package aimdb

import (
	"context"
	"fmt"
	"net"
	"time"

	"github.com/aimdb-go/aimdb/bus/natsd"
)

// admitTimeout bounds how long a start looks for what is closed to NATS clients.
const admitTimeout = 30 * time.Second

// admitReaders lets NATS clients read the log. Messages of records that are private
// now stay closed, also where an earlier run logged them as those of a Remote record. Who
// reads a log on outside servers is decided there.
func (db *DB) admitReaders() error {
	if db.server == nil || !db.server.Listens() {
		return nil
	}
	a := &db.additions
	a.mu.Lock()
	defer a.mu.Unlock()
	ctx, cancel := context.WithTimeout(context.Background(), admitTimeout)
	defer cancel()
	old, err := db.bus.FormerlyRemote(ctx, db.registry, db.config.PrivateHistory)
	if err != nil {
		return fmt.Errorf("aimdb: find in the log of database %q what is closed to NATS clients: %w", db.config.Name, err)
	}
	if old.To > 0 {
		db.config.Logger.Warn("the log holds messages of records that are private now and were not when they were logged; "+
			"NATS clients do not read them, and with a wildcard that matches one of their subjects read only what was logged later",
			"database", db.config.Name, "subjects", len(old.Subjects), "first", old.Subjects[0], "closed_to", old.To)
	}
	a.closed, a.admitted = old, true
	db.server.AllowReads(natsd.Closed(old))
	return nil
}

// warnOfExposure warns of listeners that other machines reach and that ask for
// nothing, or encrypt nothing. An address is nil if there is no such listener.
func (c Config) warnOfExposure(nats, tcp, web net.Addr) {
	const advice = "listen on 127.0.0.1, or let only trusted machines reach the port"
	if public(nats) && c.NATSAccess.Everybody() {
		set := ""
		if len(c.ServiceWrites) > 0 {
			set = " and set those of ServiceWrites"
		}
		c.Logger.Warn("every machine that reaches the NATS listener may read the values and the history of all Remote records"+set+": "+
			"set NATSAccess to ask for a token, users, keys or certificates, "+advice, "database", c.Name, "address", nats.String())
	}
	unencrypted := ", and nothing is encrypted"
	if c.TLS.CertFile != "" {
		unencrypted = ""
	}
	for _, l := range []struct {
		name   string
		addr   net.Addr
		remedy string
	}{
		{"the web server", web, "set Tokens and TLS, put a reverse proxy with TLS and a login before it, "},
		{"the TCP listener", tcp, "set Tokens and TLS, "},
	} {
		if !public(l.addr) {
			continue
		}
		if len(c.Tokens) == 0 && len(c.Users) == 0 && c.TLS.CAFile == "" {
			c.Logger.Warn("every machine that reaches "+l.name+" may read all Remote records and set all Writable ones"+unencrypted+": "+l.remedy+advice,
				"database", c.Name, "address", l.addr.String())
		} else if c.TLS.CertFile == "" {
			c.Logger.Warn(l.name+" encrypts nothing, and every machine on the way can read the tokens and the values: "+
				"set TLS, put a reverse proxy with TLS before it, "+advice, "database", c.Name, "address", l.addr.String())
		}
	}
}

// public reports whether other machines can reach an address.
func public(a net.Addr) bool {
	tcp, ok := a.(*net.TCPAddr)
	return ok && tcp != nil && !tcp.IP.IsLoopback()
}
