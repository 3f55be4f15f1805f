package gateway

import (
	"context"
	"encoding/json"
	"strconv"

	"github.com/aimdb-go/aimdb/aimx"
	"github.com/aimdb-go/aimdb/aimx/internal/wire"
	"github.com/aimdb-go/aimdb/records"
)

// legacySubscription sends the values of one record as events of the protocol before AimX
// 3.0. dropped and a gap in sequence are values that its reader missed.
type legacySubscription struct {
	session  *session
	request  wire.LegacyRequest
	name     string
	first    *records.Untyped // its newest value is sent first; nil if the reader begins with it
	reader   *records.EncodedReader
	ctx      context.Context
	cancel   context.CancelFunc
	sequence uint64
	out      wire.FrameWriter
}

// legacySubscribe answers record.subscribe, which takes the key of one record. Unless
// send_initial is false, the present value is the first event.
func (s *session) legacySubscribe(r wire.LegacyRequest) {
	name, ok := s.legacyName(r.Params)
	if !ok {
		s.legacyRefuse(&s.out, r, legacyInvalidParams, r.Method+" needs the name of a record")
		return
	}
	h, refused := s.readable(name)
	if refused == nil && len(s.subscriptions) >= s.transport.subscriptions {
		refused = s.refuseSubscription()
	}
	if refused != nil {
		s.legacyAnswer(&s.out, r, nil, refused)
		return
	}
	s.legacyOpened++
	sub := &legacySubscription{session: s, name: "sub-" + strconv.FormatUint(s.legacyOpened, 10), reader: h.Subscribe(readerName)}
	sub.request = wire.LegacyRequest{ID: append(json.RawMessage(nil), r.ID...)}
	switch initial := string(s.decoder.Member(r.Params, "send_initial")) != "false"; {
	case !initial:
		sub.reader.Skip()
	case h.Kind() == records.Ring:
		sub.first = h // readers of the other kinds begin with the present value
	}
	sub.ctx, sub.cancel = context.WithCancel(s.ctx)
	s.subscriptions[sub.name] = sub
	result := wire.AppendString([]byte(`{"subscription_id":`), sub.name)
	result = append(result, `,"queue_size":`...)
	result = strconv.AppendInt(result, int64(h.Capacity()), 10)
	s.legacyAnswer(&s.out, r, append(result, '}'), nil)
	s.work.Go(sub.run)
}

// legacyUnsubscribe answers record.unsubscribe. It ends only what record.subscribe began.
func (s *session) legacyUnsubscribe(r wire.LegacyRequest) {
	raw := s.decoder.Member(r.Params, "subscription_id")
	if !wire.IsString(raw) {
		s.legacyRefuse(&s.out, r, legacyInvalidParams, r.Method+" needs a subscription_id")
		return
	}
	name := string(wire.Unquote(raw))
	if _, ok := s.subscriptions[name].(*legacySubscription); !ok {
		s.legacyRefuse(&s.out, r, legacyNotFound, "this connection has no subscription "+strconv.Quote(name))
		return
	}
	s.unsubscribe(name)
	result := wire.AppendString([]byte(`{"subscription_id":`), name)
	s.legacyAnswer(&s.out, r, append(result, `,"status":"cancelled"}`...), nil)
}

// end implements ender.
func (sub *legacySubscription) end() { sub.cancel() }

func (sub *legacySubscription) run() {
	defer sub.cancel()
	defer sub.reader.Close()
	if sub.first != nil {
		value, at, ok, err := sub.first.Get()
		if err == nil && ok && !sub.event(records.Encoded{JSON: value, Time: at}) {
			return
		}
	}
	for {
		value, err := sub.reader.Receive(sub.ctx)
		if err != nil {
			if sub.ctx.Err() == nil {
				sub.session.legacyAnswer(&sub.out, sub.request, nil, refuse(aimx.CodeInternal, "the subscription ended: %v", err))
			}
			return
		}
		if !sub.event(value) {
			return
		}
	}
}

// event sends one value. One that cannot be encoded consumes a number.
func (sub *legacySubscription) event(value records.Encoded) bool {
	sub.sequence += value.Missed + 1
	if value.Err != nil {
		return true
	}
	if sub.ctx.Err() != nil {
		return false
	}
	return sub.session.send(sub.out.LegacyEvent(sub.name, sub.sequence, value.JSON, value.Time, value.Missed))
}
