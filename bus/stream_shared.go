package bus

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// ErrOtherStream is the error for a stream on a shared server that has the name of the
// log and is not the log of this database, or has other settings than the log needs.
var ErrOtherStream = errors.New("bus: the stream cannot be used as the log")

// openShared finds the log on a server that others use too, or creates it, and returns
// its identity. It changes nothing of a stream that exists, unless Config.Update is set.
func openShared(ctx context.Context, js jetstream.JetStream, c Config, want jetstream.StreamConfig) (identity string, state jetstream.StreamState, err error) {
	have, err := findShared(ctx, js, c, want)
	if err != nil {
		return "", state, err
	}
	return have.Config.Metadata[identityKey], have.State, settle(ctx, js, c, have.Config, want)
}

// findShared finds the log, or creates it.
func findShared(ctx context.Context, js jetstream.JetStream, c Config, want jetstream.StreamConfig) (*jetstream.StreamInfo, error) {
	found, err := askLeader(ctx, js, c, want.Name)
	if errors.Is(err, jetstream.ErrStreamNotFound) {
		want.Metadata = map[string]string{identityKey: NewIdentity(c.Name), databaseKey: c.Name}
		found, err = js.CreateStream(ctx, want)
		if errors.Is(err, jetstream.ErrStreamNameAlreadyInUse) {
			found, err = js.Stream(ctx, want.Name) // created by another process meanwhile
		} else if err != nil {
			return nil, fmt.Errorf("bus: create the log of database %s: %w", c.Name, err)
		}
	}
	if err != nil {
		return nil, lookError(c.Name, err)
	}
	return found.CachedInfo(), checkOwner(found.CachedInfo().Config, c)
}

// askLeader looks for the stream. Servers that elect its leader do not answer, so it asks
// again for some time.
func askLeader(ctx context.Context, js jetstream.JetStream, c Config, name string) (jetstream.Stream, error) {
	const electing, pause = 30 * time.Second, 200 * time.Millisecond
	for begun, told := time.Now(), false; ; told = true {
		found, err := js.Stream(ctx, name)
		if !Leaderless(err) || ctx.Err() != nil {
			return found, err
		}
		if time.Since(begun) > electing {
			return nil, fmt.Errorf("%w: no server has answered for the stream %s for %v; see 'nats stream info %s' whether it has a leader, and whether enough of its servers run", err, name, electing, name)
		}
		if !told {
			c.Logger.Warn("no server answers for the log; trying again", "stream", name, "error", err)
		}
		select {
		case <-time.After(pause):
		case <-ctx.Done():
		}
	}
}

// Leaderless reports whether an error is that of a request without an answer, or that of
// servers without a leader.
func Leaderless(err error) bool {
	const notAvailable = 10008
	var refused *jetstream.APIError
	return errors.Is(err, context.DeadlineExceeded) || errors.Is(err, nats.ErrTimeout) || errors.Is(err, nats.ErrNoResponders) ||
		errors.As(err, &refused) && refused.ErrorCode == notAvailable
}

// checkOwner refuses a stream that is not the log of this database.
func checkOwner(have jetstream.StreamConfig, c Config) error {
	const advice = "give the database another name, or delete the stream with 'nats stream rm' if nobody needs it"
	switch owner := have.Metadata[databaseKey]; {
	case owner == "" || have.Metadata[identityKey] == "":
		return fmt.Errorf("%w: stream %s was not made by AimDB, its metadata names no database: %s", ErrOtherStream, have.Name, advice)
	case owner != c.Name:
		return fmt.Errorf("%w: stream %s is the log of database %q, not of %q: %s", ErrOtherStream, have.Name, owner, c.Name, advice)
	case have.Metadata[formatKey] != "":
		return fmt.Errorf("%w: stream %s was made by a newer version of this program: it has the format %s; use the newer program", ErrOtherStream, have.Name, have.Metadata[formatKey])
	}
	return nil
}

// settle compares the settings of a log that exists with those wanted, and changes them
// if that is allowed.
func settle(ctx context.Context, js jetstream.JetStream, c Config, have, want jetstream.StreamConfig) error {
	all := differences(have, want, c)
	if len(all) == 0 {
		return nil
	}
	text := make([]string, len(all))
	for i, d := range all {
		text[i] = d.String()
	}
	list := strings.Join(text, "; ")
	if !c.Update {
		return fmt.Errorf("%w: stream %s has other settings (%s): open the database with these settings, set Update to change the stream, or use 'nats stream edit'",
			ErrOtherStream, have.Name, list)
	}
	if c.Replicas == 0 {
		want.Replicas = have.Replicas
	}
	if c.Placement == nil {
		want.Placement = have.Placement
	}
	want.DenyPurge = have.DenyPurge // the server does not let it be taken back
	want.Metadata = maps.Clone(have.Metadata)
	if _, err := js.UpdateStream(ctx, want); err != nil {
		return fmt.Errorf("%w: the settings of stream %s cannot be changed (%s): %w: use another name, or delete the stream with 'nats stream rm' if nobody needs it",
			ErrOtherStream, have.Name, list, err)
	}
	return nil
}

// lookError is the error of a server that does not say whether it has a log.
func lookError(database string, err error) error {
	err = fmt.Errorf("bus: look for the log of database %s: %w", database, err)
	if errors.Is(err, nats.ErrNoResponders) || errors.Is(err, jetstream.ErrJetStreamNotEnabled) || errors.Is(err, jetstream.ErrJetStreamNotEnabledForAccount) {
		return fmt.Errorf("%w; JetStream does not answer: the server runs without it (nats-server -js), the account has none, the log is in another JetStream domain, or the cluster has no leader now", err)
	}
	return err
}
