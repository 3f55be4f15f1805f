package bus

import (
	"context"
	"errors"

	"github.com/nats-io/nats.go/jetstream"
)

// OpenExisting opens the log of a database that does not run or runs in another process,
// to verify it or to read it. It creates nothing and changes neither the log nor its
// limits, which Config leaves empty. If the server has no such log, [Bus.Absent] and
// [Bus.Verify] say so; nothing else works then.
func OpenExisting(ctx context.Context, server Server, config Config) (*Bus, error) {
	b, err := newBus(server, config)
	if err != nil {
		return nil, err
	}
	if err := b.openExisting(ctx); err != nil {
		return nil, errors.Join(err, b.forbidden(), b.Close())
	}
	return b, nil
}

// Absent reports whether the server had no such log when OpenExisting opened it.
func (b *Bus) Absent() bool { return b.absent }

func (b *Bus) openExisting(ctx context.Context) error {
	if err := b.connect(ctx); err != nil {
		return err
	}
	found, err := b.js.Stream(ctx, b.stream)
	if errors.Is(err, jetstream.ErrStreamNotFound) {
		b.absent = true
		return nil
	}
	if err != nil {
		return lookError(b.config.Name, err)
	}
	have := found.CachedInfo()
	if b.config.Shared {
		if err := checkOwner(have.Config, b.config); err != nil {
			return err
		}
	}
	b.identity, b.endAtOpen = have.Config.Metadata[identityKey], have.State.LastSeq
	if b.identity == "" && have.State.Msgs > 0 {
		b.identity = b.mark.Log // as a start would do
	}
	b.config.MaxAge, b.config.MaxBytes = have.Config.MaxAge, have.Config.MaxBytes
	b.config.MaxValue = max(1, int(have.Config.MaxMsgSize)-headerBytes)
	b.checkHead(have.State)
	return nil
}
