package hub

import (
	"context"
	"errors"
	"fmt"
	"sort"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/aimdb-go/aimdb/bus"
)

// chunkMessages is the number of messages of a chunk.
const chunkMessages = 4096

// index knows how many messages of the present log of a site the hub has in a range of
// sequences. It remembers the bounds of chunks, and reads a chunk again to look into it,
// so that a log takes about 40 bytes for 4096 messages.
type index struct {
	chunks []chunk
	// loaded are the sequences of one chunk, which is number at.
	loaded []uint64
	at     int
	// read yields the sequences of a chunk again, in order.
	read func(ctx context.Context, c chunk, take func(from origin)) error
}

// chunk is messages that follow each other in the stream of the hub.
type chunk struct {
	first, last uint64 // sequences of the site
	from, to    uint64 // and of the hub
	messages    int
}

// add adds a message, which has a greater sequence than those before it.
func (x *index) add(sequence, at uint64) {
	n := len(x.chunks)
	if n == 0 || x.chunks[n-1].messages == chunkMessages {
		x.chunks = append(x.chunks, chunk{first: sequence, from: at})
		n++
	}
	c := &x.chunks[n-1]
	c.last, c.to, c.messages = sequence, at, c.messages+1
}

// count returns how many messages there are in a range, both ends included.
func (x *index) count(ctx context.Context, identity string, from, to uint64) (n uint64, err error) {
	for i := x.after(from); i < len(x.chunks) && x.chunks[i].first <= to; i++ {
		c := x.chunks[i]
		if from <= c.first && c.last <= to {
			n += uint64(c.messages)
			continue
		}
		if err := x.load(ctx, identity, i); err != nil {
			return 0, err
		}
		begin := sort.Search(len(x.loaded), func(i int) bool { return x.loaded[i] >= from })
		end := sort.Search(len(x.loaded), func(i int) bool { return x.loaded[i] > to })
		n += uint64(end - begin)
	}
	return n, nil
}

// after returns the first chunk that has a sequence from one on.
func (x *index) after(sequence uint64) int {
	return sort.Search(len(x.chunks), func(i int) bool { return x.chunks[i].last >= sequence })
}

// middle returns where a range is best halved: at the end of a chunk if it has several.
func (x *index) middle(from, to uint64) uint64 {
	first, last := x.after(from), x.after(to)
	if first >= last {
		return from + (to-from)/2
	}
	return x.chunks[(first+last-1)/2].last
}

var errDiscarded = errors.New("limits have removed messages of the hub meanwhile; verify again")

// load reads a chunk again.
func (x *index) load(ctx context.Context, identity string, i int) error {
	if x.loaded != nil && x.at == i {
		return nil
	}
	c := x.chunks[i]
	x.at, x.loaded = i, make([]uint64, 0, c.messages)
	last := c.first - 1
	err := x.read(ctx, c, func(from origin) {
		if from.identity == identity && from.sequence > last && from.sequence <= c.last {
			x.loaded, last = append(x.loaded, from.sequence), from.sequence
		}
	})
	if err == nil && len(x.loaded) != c.messages {
		err = errDiscarded
	}
	if err != nil {
		x.loaded = nil
		return fmt.Errorf("read the messages %d to %d of the hub again: %w", c.from, c.to, err)
	}
	return nil
}

// readChunk returns the function that reads chunks of a site again.
func readChunk(stream jetstream.Stream, site string) func(ctx context.Context, c chunk, take func(from origin)) error {
	return func(ctx context.Context, c chunk, take func(from origin)) error {
		return readHeaders(ctx, stream, bus.LogSubject(site), c.from, c.to, func(m jetstream.Msg, _ uint64) {
			if from, ok := originOf(m.Headers()); ok {
				take(from)
			}
		})
	}
}
