package bus

import (
	"context"
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/nats-io/nats.go/jetstream"
)

// end asks the log for its last sequence, which is that of a marker on a shared server.
// The log is known to have had a sequence.
func (w *writer) end(ctx context.Context, known uint64) (uint64, error) {
	if w.bus.config.Shared {
		return w.appendMarker(ctx, known)
	}
	return w.probe(ctx)
}

// probe asks the stream for its last sequence. It sends a message that the stream
// must refuse, because it expects a last sequence that cannot exist. The stream
// handles it after all messages sent before, so the refusal shows their result.
func (w *writer) probe(ctx context.Context) (uint64, error) {
	header := fmt.Appendf(nil, "Nats-Expected-Last-Sequence: %d\r\n", uint64(math.MaxUint64-1))
	a, err := w.ask(ctx, w.bus.subjects.prefix(lossKind)+"probe", header, nil)
	if err != nil {
		return 0, err
	}
	if a.Error != nil && a.Error.ErrorCode == jetstream.JSErrCodeStreamWrongLastSequence {
		_, text, _ := strings.Cut(a.Error.Description, ": ")
		if last, err := strconv.ParseUint(text, 10, 64); err == nil {
			return last, nil
		}
	}
	if err := a.err(); err != nil {
		return 0, fmt.Errorf("bus: ask the log for its last sequence: %w", err)
	}
	return 0, errors.New("bus: ask the log for its last sequence: the answer holds none")
}

// ask publishes one message and waits for the answer of the stream.
func (w *writer) ask(ctx context.Context, subject string, header, value []byte) (answer, error) {
	b := w.prepare(nil, 0)
	w.reply = append(w.reply[:0], w.inbox...)
	w.reply = strconv.AppendUint(w.reply, b.id, 10)
	w.publisher.Add(subject, w.reply, header, value)
	if err := w.publisher.Flush(); err != nil {
		w.answers.Delete(b.id)
		return answer{}, err
	}
	return w.await(ctx, b), nil
}
