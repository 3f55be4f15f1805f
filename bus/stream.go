package bus

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

const (
	// identityKey and databaseKey are keys of the stream's metadata.
	identityKey = "aimdb.identity"
	databaseKey = "aimdb.database"
	// formatKey is the key of how messages are written, if that is not format 1. Package
	// natsd refuses another one before it opens the stream.
	formatKey = "aimdb.format"
)

// StreamName returns the name of the stream of a database.
func StreamName(database string) string { return "AIMDB_" + database }

func streamConfig(c Config, s subjects) jetstream.StreamConfig {
	storage := jetstream.FileStorage
	if c.Memory {
		storage = jetstream.MemoryStorage
	}
	return jetstream.StreamConfig{
		Name:               StreamName(c.Name),
		Description:        "The log of the AimDB database " + c.Name,
		Subjects:           []string{s.all(logKind), s.all(privateKind), s.all(lossKind)},
		Storage:            storage,
		Replicas:           max(1, c.Replicas),
		Placement:          c.Placement,
		Retention:          jetstream.LimitsPolicy,
		Discard:            jetstream.DiscardOld,
		MaxAge:             c.MaxAge,
		MaxBytes:           c.MaxBytes,
		MaxMsgs:            -1,
		MaxMsgSize:         int32(c.MaxValue) + headerBytes,
		Duplicates:         min(100*time.Millisecond, c.MaxAge),
		AllowDirect:        !c.Shared, // a replica that lags would answer that it has no such message
		AllowAtomicPublish: true,
		AllowBatchPublish:  true,
		DenyDelete:         true,
	}
}

// openStream finds the log or creates it, and returns its identity. A log that holds
// messages and has no identity has lost it, and gets that of its mark.
func openStream(ctx context.Context, js jetstream.JetStream, c Config, s subjects, marked string) (identity string, state jetstream.StreamState, err error) {
	want := streamConfig(c, s)
	if c.Shared {
		return openShared(ctx, js, c, want)
	}
	if err := refuseOthers(ctx, js, c); err != nil {
		return "", state, err
	}
	found, err := js.Stream(ctx, want.Name)
	if errors.Is(err, jetstream.ErrStreamNotFound) {
		if identity, state, err = createStream(ctx, js, c, want); err != nil || state.Msgs == 0 || marked == "" {
			return identity, state, err
		}
		// The server had skipped the description of the stream and has adopted its
		// files.
		found, err = js.Stream(ctx, want.Name)
		identity = marked
	}
	if err != nil {
		return "", state, lookError(c.Name, err)
	}
	have := found.CachedInfo()
	if identity == "" {
		identity = have.Config.Metadata[identityKey]
	}
	if identity == "" && have.State.Msgs > 0 {
		identity = marked
	}
	if identity == "" {
		identity = NewIdentity(c.Name)
	}
	want.Metadata = map[string]string{identityKey: identity, databaseKey: c.Name}
	if _, err := js.UpdateStream(ctx, want); err != nil {
		return "", state, fmt.Errorf("bus: set the limits of the log of database %s: %w", c.Name, err)
	}
	return identity, have.State, nil
}

func createStream(ctx context.Context, js jetstream.JetStream, c Config, want jetstream.StreamConfig) (string, jetstream.StreamState, error) {
	identity := NewIdentity(c.Name)
	want.Metadata = map[string]string{identityKey: identity, databaseKey: c.Name}
	made, err := js.CreateStream(ctx, want)
	if err != nil {
		return "", jetstream.StreamState{}, fmt.Errorf("bus: create the log of database %s: %w", c.Name, err)
	}
	return identity, made.CachedInfo().State, nil
}

// refuseOthers returns an error if the server holds the log of another database. A
// second log beside it would hide a wrong directory or a changed name.
func refuseOthers(ctx context.Context, js jetstream.JetStream, c Config) error {
	list := js.ListStreams(ctx)
	for info := range list.Info() {
		if other := info.Config.Metadata[databaseKey]; other != "" && other != c.Name {
			return fmt.Errorf("bus: the server holds the log of database %q, not of %q: use its name, or another directory", other, c.Name)
		}
	}
	if err := list.Err(); err != nil {
		return fmt.Errorf("bus: list the streams of the server: %w", err)
	}
	return nil
}

// NewIdentity returns a random identity, so that a log that is created again after it
// was deleted differs from the one before.
func NewIdentity(database string) string { return database + "/" + rand.Text()[:16] }
