package aimdb

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/aimdb-go/aimdb/bus"
	"github.com/aimdb-go/aimdb/bus/cluster"
	"github.com/aimdb-go/aimdb/bus/natsd"
)

// openLog opens the log in the embedded server, or on the servers of Config.Log.
func (db *DB) openLog(ctx context.Context) (err error) {
	c := db.config
	config := bus.Config{
		Name: c.Name, StateDir: c.Dir, Memory: c.volatile(), MaxAge: c.LogAge, MaxBytes: c.LogBytes, Durable: c.DurableLog, Logger: c.Logger,
	}
	var server bus.Server
	if c.Log != nil {
		config = onCluster(config, *c.Log)
		server, err = cluster.Open(ctx, *c.Log, c.Logger)
	} else {
		server, err = db.startServer()
		config.Publisher = func() bus.Publisher { return db.server.Publisher() }
	}
	if err != nil {
		return err
	}
	db.logServer = server
	const electing, pause = 30 * time.Second, 200 * time.Millisecond
	for begun := time.Now(); ; {
		if db.bus, err = bus.Open(ctx, server, config); err != nil {
			return err
		}
		// Servers may lose the leader of the log after they have answered for it.
		if err = db.bus.Restore(ctx, db.storedTail()); !config.Shared || !bus.Leaderless(err) || time.Since(begun) > electing || ctx.Err() != nil {
			return err
		}
		c.Logger.Warn("the log has no leader; trying again", "error", err)
		if closed := db.bus.Close(); closed != nil {
			return errors.Join(err, closed)
		}
		select {
		case <-time.After(pause):
		case <-ctx.Done():
		}
	}
}

// startServer starts the embedded server.
func (db *DB) startServer() (_ *natsd.Server, err error) {
	c, dir := db.config, ""
	if c.Dir != "" {
		dir = filepath.Join(c.Dir, "log")
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return nil, fmt.Errorf("make the directory of the log: %w", err)
		}
	}
	db.server, err = natsd.Open(natsd.Config{
		Name: "aimdb-" + c.Name, Dir: dir, Listen: c.NATS, Access: c.NATSAccess,
		Stream: bus.StreamName(c.Name), Readable: bus.LogSubject(c.Name), Subjects: bus.ReadSubjects(c.Name), MaxMessage: bus.DefaultMaxMessage,
		Requests: c.serviceSubjects(), Leaf: c.Leaf, Domain: bus.Domain(c.Name), Deliver: bus.DeliverPrefix(c.Name),
		SyncInterval: c.LogSync, SyncAlways: c.DurableLog, Logger: c.Logger,
	})
	return db.server, err
}

// onCluster returns where outside servers keep the log.
func onCluster(config bus.Config, c Cluster) bus.Config {
	config.Shared, config.Replicas, config.Domain, config.Update = true, c.Replicas, c.Domain, c.Update
	if p := c.Placement; p.Cluster != "" || len(p.Tags) > 0 {
		config.Placement = &jetstream.Placement{Cluster: p.Cluster, Tags: p.Tags}
	}
	return config
}

// natsAddr returns the address of the embedded server for NATS clients, nil if it has
// none.
func (db *DB) natsAddr() net.Addr {
	if db.server == nil {
		return nil
	}
	return db.server.Addr()
}
