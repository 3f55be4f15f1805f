package hub

import (
	"context"
	"fmt"
	"strconv"

	"github.com/nats-io/nats.go/jetstream"
)

const (
	// readMessages is the number of messages of one fetch.
	readMessages = 1000
	// sizeHeader is set by the server on a message whose payload it leaves out.
	sizeHeader = "Nats-Msg-Size"
)

// readHeaders calls take for each message of a stream from one sequence to another that
// can be read, and whose subject matches a filter if there is one. The messages come without
// their payload.
func readHeaders(ctx context.Context, stream jetstream.Stream, filter string, from, to uint64, take func(m jetstream.Msg, sequence uint64)) error {
	if from == 0 || from > to {
		return nil
	}
	consumer, err := stream.CreateConsumer(ctx, jetstream.ConsumerConfig{
		Description: "A verification of the hub", FilterSubject: filter,
		DeliverPolicy: jetstream.DeliverByStartSequencePolicy, OptStartSeq: from,
		AckPolicy: jetstream.AckNonePolicy, HeadersOnly: true, MemoryStorage: true, InactiveThreshold: countIdle,
	})
	if err != nil {
		return fmt.Errorf("create a consumer: %w", err)
	}
	for next := from; next <= to; {
		batch, err := consumer.FetchNoWait(readMessages)
		if err != nil {
			return fmt.Errorf("read from message %d: %w", next, err)
		}
		before := next
		for m := range batch.Messages() {
			meta, err := m.Metadata()
			if err != nil {
				return fmt.Errorf("read after message %d: %w", next, err)
			}
			if next = meta.Sequence.Stream + 1; next <= to+1 {
				take(m, meta.Sequence.Stream)
			}
		}
		if err := batch.Error(); err != nil {
			return fmt.Errorf("read from message %d: %w", next, err)
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		if next == before {
			return nil // the rest cannot be read
		}
	}
	return nil
}

// payloadSize returns the size of the payload that was left out, as the server states it.
func payloadSize(m jetstream.Msg) int {
	n, err := strconv.Atoi(m.Headers().Get(sizeHeader))
	if err != nil {
		return len(m.Data())
	}
	return n
}
