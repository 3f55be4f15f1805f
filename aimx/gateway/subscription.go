package gateway

import (
	"context"
	"strings"

	"github.com/aimdb-go/aimdb/aimx"
	"github.com/aimdb-go/aimdb/aimx/internal/wire"
	"github.com/aimdb-go/aimdb/key"
	"github.com/aimdb-go/aimdb/records"
)

// readerName names the gateway's readers in metrics.
const readerName = "aimx"

// source has the readers of a subscription.
type source struct {
	// snapshots are the records whose current values are sent first.
	snapshots []*records.Untyped
	// exact reads one record, wildcard several. At most one is not nil.
	exact    *records.EncodedReader
	wildcard *records.Feed
	// unwatch ends the addition of later records to wildcard.
	unwatch func()
	// topic is the key of the record of an exact subscription.
	topic string
}

// open returns the source of a topic. Its readers exist before it returns, so the
// subscription delivers what the next frame writes.
func (s *session) open(topic string) (source, *refusal) {
	if strings.ContainsAny(topic, "*#") {
		if refused := s.refusePattern(key.WirePattern(topic)); refused != nil {
			return source{}, refused
		}
		return s.openWildcard(topic), nil
	}
	h, refused := s.readable(topic)
	if refused != nil {
		return source{}, refused
	}
	src := source{topic: h.Key(), exact: h.Subscribe(readerName)}
	if s.transport.lateJoin && h.Kind() == records.Ring {
		src.snapshots = []*records.Untyped{h} // readers of the other kinds begin with the current value
	}
	return src, nil
}

func (s *session) openWildcard(topic string) source {
	pattern := key.WirePattern(topic)
	registry := s.server.config.Registry
	var src source
	src.wildcard = registry.NewFeed(readerName, nil)
	include := func(h *records.Untyped) bool {
		if !s.mayRead(h) || !pattern.Match(h.Key()) {
			return false
		}
		src.wildcard.Add(h)
		return true
	}
	src.unwatch = registry.OnAdd(func(h *records.Untyped) { include(h) })
	for _, h := range registry.Records() {
		if include(h) && (h.Kind() != records.Ring || s.transport.lateJoin) {
			src.snapshots = append(src.snapshots, h)
		}
	}
	return src
}

// close closes the readers.
func (src source) close() {
	if src.exact != nil {
		src.exact.Close()
	}
	if src.wildcard != nil {
		src.unwatch()
		src.wildcard.Close()
	}
}

// subscription numbers and sends the values of its source.
type subscription struct {
	session *session
	id      uint64
	name    string
	source  source
	ctx     context.Context
	cancel  context.CancelFunc
	seq     uint64
	out     wire.FrameWriter
	// joined are the events that wait for flush, where several can go out in one write.
	joined []byte
}

// openLive answers a sub without from.
func (s *session) openLive(f wire.Frame, name string) (ender, *refusal) {
	source, refused := s.open(f.Topic)
	if refused != nil && (s.transport.refusesTopics || refused.code == aimx.CodeDenied) {
		return nil, refused
	}
	if s.transport.acknowledges {
		s.send(s.out.Subscribed(name))
	}
	sub := &subscription{session: s, id: f.ID, name: name, source: source}
	sub.ctx, sub.cancel = context.WithCancel(s.ctx)
	sub.start()
	return sub, nil
}

// end implements ender.
func (sub *subscription) end() { sub.cancel() }

// start runs the subscription in a goroutine of the session, unless there is no source.
func (sub *subscription) start() {
	if sub.source.exact == nil && sub.source.wildcard == nil {
		return
	}
	sub.session.work.Go(func() {
		defer sub.source.close()
		if !sub.snapshots() {
			return
		}
		err := sub.events()
		if err != nil && sub.ctx.Err() == nil {
			// A late refusal is the only frame that ends a subscription.
			sub.session.answer(&sub.out, sub.id, nil, refuse(aimx.CodeInternal, "the subscription ended: %v", err))
		}
	})
}

// snapshots sends the current values. It holds each back until the next one is
// found, because the last one is marked.
func (sub *subscription) snapshots() bool {
	var held []byte
	var topic string
	flush := func(last bool) bool {
		if held == nil {
			return true
		}
		sub.seq++
		return sub.session.send(sub.out.Snapshot(sub.name, sub.seq, topic, held, last))
	}
	for _, h := range sub.source.snapshots {
		if sub.ctx.Err() != nil {
			return false
		}
		value, _, ok, err := h.Get()
		if err != nil || !ok {
			continue // the record counts and logs values that cannot be encoded
		}
		if !flush(false) {
			return false
		}
		held, topic = value, h.Key()
	}
	return flush(true)
}

func (sub *subscription) events() error {
	if sub.source.exact != nil {
		return sub.exactEvents()
	}
	items := make([]records.Item, 64)
	for {
		n, err := sub.source.wildcard.Take(sub.ctx, items)
		if err != nil {
			return err
		}
		for _, item := range items[:n] {
			if !sub.event(item.Record.Key(), item.Encoded) {
				return nil
			}
		}
		if !sub.flush() {
			return nil
		}
	}
}

func (sub *subscription) exactEvents() error {
	for {
		value, err := sub.source.exact.Receive(sub.ctx)
		if err != nil {
			return err
		}
		topic := ""
		if sub.session.transport.acknowledges {
			topic = sub.source.topic // browsers look up the schema by topic
		}
		for more := true; more; value, more = sub.source.exact.TryReceive() {
			if !sub.event(topic, value) {
				return nil
			}
		}
		if !sub.flush() {
			return nil
		}
	}
}

// event sends one value. Values that the reader missed or that cannot be encoded
// consume numbers, so that the client sees the gap.
func (sub *subscription) event(topic string, value records.Encoded) bool {
	sub.seq += value.Missed + 1
	if value.Err != nil {
		return true
	}
	if sub.ctx.Err() != nil {
		return false
	}
	frame := sub.out.Event(sub.name, sub.seq, topic, value.JSON)
	if sub.session.joiner == nil {
		return sub.session.send(frame)
	}
	if sub.session.refusesLength(frame) {
		return true
	}
	sub.joined = sub.session.joiner.Join(sub.joined, frame)
	return len(sub.joined) < joinedBytes || sub.flush()
}

// flush sends the events that wait in one write: with one write for each, a server with
// many subscribers does little else.
func (sub *subscription) flush() bool {
	if len(sub.joined) == 0 {
		return true
	}
	if sub.ctx.Err() != nil {
		return false
	}
	sent := sub.session.transmitJoined(sub.joined)
	sub.joined = sub.joined[:0]
	return sent
}
