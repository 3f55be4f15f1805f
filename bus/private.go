package bus

import (
	"context"
	"errors"
	"fmt"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/aimdb-go/aimdb/key"
	"github.com/aimdb-go/aimdb/records"
)

// Formerly are messages that records which are private now have under the subjects of
// Remote records: they were Remote in an earlier run, or were logged by a version that
// used these subjects for all records.
type Formerly struct {
	// To is the greatest sequence of these messages, 0 if there are none.
	To       uint64
	Subjects []string
}

// FormerlyRemote finds such messages of the records of a registry, and if retired is
// true also those of records that are not registered any more. What clients from
// outside may read must not include them.
func (b *Bus) FormerlyRemote(ctx context.Context, reg *records.Registry, retired bool) (f Formerly, err error) {
	remote, all := map[string]bool{}, true
	for _, h := range reg.Records() {
		remote[b.subjects.of(logKind, h.Segments())] = h.Config().Remote
		all = all && h.Config().Remote
	}
	if all && !retired {
		return f, nil
	}
	stream, err := b.js.Stream(ctx, b.stream)
	if err != nil {
		return f, fmt.Errorf("bus: list the subjects of the log: %w", err)
	}
	info, err := stream.Info(ctx, jetstream.WithSubjectFilter(b.subjects.all(logKind)))
	if err != nil {
		return f, fmt.Errorf("bus: list the subjects of the log: %w", err)
	}
	for subject := range info.State.Subjects {
		if open, registered := remote[subject]; open || !registered && !retired {
			continue
		}
		if err := f.add(ctx, stream, subject); err != nil {
			return f, err
		}
	}
	return f, nil
}

// FormerlyRemoteKey finds such messages of one key.
func (b *Bus) FormerlyRemoteKey(ctx context.Context, k key.Key) (f Formerly, err error) {
	stream, err := b.js.Stream(ctx, b.stream)
	if err != nil {
		return f, fmt.Errorf("bus: find the last message of record %q: %w", k, err)
	}
	return f, f.add(ctx, stream, b.subjects.of(logKind, k.Segments()))
}

// add adds the messages of a subject.
func (f *Formerly) add(ctx context.Context, stream jetstream.Stream, subject string) error {
	last, err := stream.GetLastMsgForSubject(ctx, subject)
	if errors.Is(err, jetstream.ErrMsgNotFound) {
		return nil // a limit has discarded them meanwhile
	}
	if err != nil {
		return fmt.Errorf("bus: find the last message of %s: %w", subject, err)
	}
	f.To = max(f.To, last.Sequence)
	f.Subjects = append(f.Subjects, subject)
	return nil
}
