package aimdb

import (
	"context"

	"github.com/nats-io/nats.go"

	"github.com/aimdb-go/aimdb/aimx/natsservice"
	"github.com/aimdb-go/aimdb/key"
)

// serves reports whether there is a NATS service: whether NATS clients can reach the
// servers.
func (c Config) serves() bool { return c.NATS != "" || c.Log != nil }

// serviceSubjects returns what NATS clients of the embedded server may ask.
func (c Config) serviceSubjects() []string {
	if !c.serves() {
		return nil
	}
	subjects := natsservice.Subjects(c.Name)
	if len(c.ServiceWrites) > 0 {
		subjects = append(subjects, natsservice.SetSubjects(c.Name)...)
	}
	return subjects
}

// addService answers the methods of AimX over NATS, and ends the database when another
// process has taken its log over.
func (db *DB) addService(group *actors) {
	if !db.config.serves() {
		return
	}
	var writes []key.Pattern
	for _, p := range db.config.ServiceWrites {
		writes = append(writes, key.WirePattern(p)) // it is checked
	}
	service := natsservice.New(natsservice.Config{
		Database: db.config.Name, Gateway: db.gateway, Ingest: db.ingest.Via("nats"), Live: db.bus.AwaitLive, Writes: writes, Logger: db.config.Logger,
		Connect: func(ctx context.Context) (*nats.Conn, error) { return db.logServer.Connect(ctx, "rpc") },
	})
	group.add(part{name: "the NATS service", loop: db.whenReady(service.Run), stop: service.Drain, share: gatewayShare})
	if db.config.Log != nil {
		group.add(part{name: "the watch for another writer", loop: db.bus.AwaitTakeover, share: otherShare})
	}
}
