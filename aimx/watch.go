package aimx

import (
	"context"
	"encoding/json"
	"fmt"
	"iter"
	"strconv"
	"strings"
	"sync"

	"github.com/aimdb-go/aimdb/aimx/internal/wire"
)

// watchEvents bounds the queue of a watch. While it is full, newer updates are
// dropped and count as Skipped. Snapshots are not bounded: there is one for each
// record.
const watchEvents = 4096

// Update is one value that a watch delivers.
type Update struct {
	// Topic is the key of the record.
	Topic string
	// Data is the value as JSON.
	Data json.RawMessage
	// Seq numbers the updates of one watch from 1. Skipped counts the updates
	// lost immediately before this one.
	Seq, Skipped uint64
	// Snapshot is true for a value that the record had before the watch began,
	// and Last for the last of these.
	Snapshot, Last bool
}

// Watch is a subscription. Next and All are for one goroutine at a time; Close may
// be called by any.
type Watch struct {
	client *Client
	name   string
	topic  string
	exact  bool
	last   uint64 // the greatest number delivered

	mu     sync.Mutex
	queue  []Update
	events int
	ended  bool
	err    error // a refusal
	closed bool

	ready chan struct{} // holds a token after the queue or err has changed
}

func subscriptionName(id uint64) string { return strconv.FormatUint(id, 10) }

// Watch subscribes to a key or a pattern. It returns a refusal as an error. If it
// returns none, the watch delivers all updates from then on. The caller closes the
// watch.
func (c *Client) Watch(ctx context.Context, topic string) (*Watch, error) {
	if !wire.IsPlain(topic) || topic == "" {
		return nil, fmt.Errorf("watch %q: a topic cannot be empty or contain quotes, backslashes or control characters", topic)
	}
	w := &Watch{client: c, topic: topic, exact: !strings.ContainsAny(topic, "*#"), ready: make(chan struct{}, 1)}
	c.mu.Lock()
	id := c.nextID
	c.nextID++
	w.name = subscriptionName(id)
	c.subscribers[w.name] = w
	c.mu.Unlock()
	err := c.send(ctx, func(f *wire.FrameWriter) []byte { return f.Subscribe(id, topic) })
	if err == nil {
		// Frames are handled in order: a refusal comes before the pong.
		err = c.Ping(ctx)
	}
	if err != nil {
		w.Close()
		return nil, fmt.Errorf("watch %s: %w", topic, err)
	}
	w.mu.Lock()
	err = w.err
	w.mu.Unlock()
	if err != nil {
		w.Close()
		return nil, err
	}
	return w, nil
}

// deliver queues an update. The receiving goroutine of the client calls it.
func (w *Watch) deliver(f wire.Frame) {
	w.mu.Lock()
	defer w.mu.Unlock()
	snapshot := f.Kind == wire.KindSnapshot
	if w.ended || w.closed || !snapshot && f.Kind != wire.KindEvent {
		return
	}
	if !snapshot && w.events >= watchEvents {
		return // w.last does not advance, so the next update shows the gap
	}
	u := Update{Topic: f.Topic, Data: append(json.RawMessage(nil), f.Data...), Seq: f.Seq, Snapshot: snapshot, Last: f.Last}
	if u.Topic == "" && w.exact {
		u.Topic = w.topic
	}
	if u.Data == nil {
		u.Data = json.RawMessage("null")
	}
	if f.Seq > w.last {
		u.Skipped = f.Seq - w.last - 1
		w.last = f.Seq
	}
	if !snapshot {
		w.events++
	}
	w.queue = append(w.queue, u)
	w.signal()
}

// refuse ends the watch. The receiving goroutine of the client calls it.
func (w *Watch) refuse(f wire.Frame) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.ended = true
	w.err = w.client.refusalOf(f, "watch "+w.topic)
	w.signal()
}

func (w *Watch) signal() {
	select {
	case w.ready <- struct{}{}:
	default:
	}
}

// Next waits for the next update. It delivers the updates that came before the
// connection was lost, and then fails.
func (w *Watch) Next(ctx context.Context) (Update, error) {
	for {
		u, ok, err := w.take()
		if ok || err != nil {
			return u, err
		}
		select {
		case <-w.ready:
		case <-ctx.Done():
			return Update{}, ctx.Err()
		case <-w.client.done:
			if u, ok, err := w.take(); ok || err != nil {
				return u, err
			}
			return Update{}, fmt.Errorf("watch %s: %w", w.topic, w.client.Err())
		}
	}
}

func (w *Watch) take() (Update, bool, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.closed {
		return Update{}, false, fmt.Errorf("watch %s: it is closed", w.topic)
	}
	if len(w.queue) == 0 {
		return Update{}, false, w.err
	}
	u := w.queue[0]
	w.queue = w.queue[1:]
	if !u.Snapshot {
		w.events--
	}
	return u, true, nil
}

// All yields the updates until ctx or the watch ends. The last element carries the
// error.
func (w *Watch) All(ctx context.Context) iter.Seq2[Update, error] {
	return func(yield func(Update, error) bool) {
		for {
			u, err := w.Next(ctx)
			if !yield(u, err) || err != nil {
				return
			}
		}
	}
}

// Close ends the watch. It tells the server, and does not wait for it.
func (w *Watch) Close() {
	w.mu.Lock()
	already := w.closed
	w.closed = true
	w.queue = nil
	w.signal()
	w.mu.Unlock()
	if already {
		return
	}
	w.client.unsubscribe(w.name)
}
