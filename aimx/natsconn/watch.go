package natsconn

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"

	"github.com/nats-io/nats.go"

	"github.com/aimdb-go/aimdb/aimx"
	"github.com/aimdb-go/aimdb/aimx/internal/rpc"
	"github.com/aimdb-go/aimdb/aimx/internal/wire"
	"github.com/aimdb-go/aimdb/key"
)

// watchMessages bounds the values of a watch that the client has not received.
const watchMessages = 8192

// watch is one subscription of the client.
type watch struct {
	conn *conn
	name string
	// pattern is that of the client, tokens are those of requests.
	pattern, tokens string
	values          chan *nats.Msg
	subs            []*nats.Subscription
	cut             chan nats.Status // tells that the connection to NATS was lost
	seq             uint64
	// dropped is the number of values that NATS has dropped and that seq counts.
	dropped int
	out     wire.FrameWriter
}

// subscribe answers a sub of the client. When it returns, no value is missed any more.
func (c *conn) subscribe(f wire.Frame) {
	if !wire.IsNull(f.From) {
		c.refuse(f.ID, refused(aimx.CodeNotFound, "a subscription cannot start at a time or a position over NATS; use another endpoint of the database, or a consumer of the stream AIMDB_%s", c.database))
		return
	}
	w := &watch{conn: c, name: strconv.FormatUint(f.ID, 10), pattern: f.Topic, values: make(chan *nats.Msg, watchMessages)}
	if err := w.open(); err != nil {
		w.close()
		c.refuse(f.ID, err)
		return
	}
	ctx, cancel := context.WithCancel(c.ctx)
	c.watches[w.name] = cancel
	c.start(func() {
		defer w.close()
		w.run(ctx)
	})
}

// open subscribes to the values.
func (w *watch) open() (err error) {
	c := w.conn
	if w.tokens, err = rpc.Tokens(w.pattern); err != nil {
		return err
	}
	w.cut = c.nc.StatusChanged(nats.RECONNECTING, nats.DISCONNECTED)
	var without error
	for _, subject := range rpc.ValueSubjects(c.database) {
		subject += rpc.Filter(w.tokens)
		if err := w.subscribe(subject); denied(err) {
			without = err
		} else if err != nil {
			return fmt.Errorf("subscribe to %s: %w", subject, err)
		}
	}
	if len(w.subs) == 0 {
		return without
	}
	if _, exact := key.WirePattern(w.pattern).Exact(); !exact {
		return nil
	}
	records, err := w.list(c.ctx)
	if err == nil && len(records) == 0 {
		return refused(aimx.CodeNotFound, "there is no record %q", w.pattern)
	}
	return nil // who may not list may still watch
}

// subscribe returns when the servers have the subscription, or refuse it.
func (w *watch) subscribe(subject string) error {
	var sub *nats.Subscription
	end := func() {
		if sub != nil {
			_ = sub.Unsubscribe() // at worst it ends with the connection
		}
	}
	err := w.conn.permitted(subject, func() (err error) {
		end()
		sub, err = w.conn.nc.ChanSubscribe(subject, w.values)
		return err
	})
	if err != nil {
		end()
		return err
	}
	w.subs = append(w.subs, sub)
	return nil
}

func (w *watch) close() {
	if w.cut != nil {
		w.conn.nc.RemoveStatusListener(w.cut)
	}
	for _, sub := range w.subs {
		_ = sub.Unsubscribe() // at worst it ends with the connection
	}
}

// run sends the current values and then the others.
func (w *watch) run(ctx context.Context) {
	w.snapshots(ctx)
	for {
		select {
		case m := <-w.values:
			w.event(m)
		case <-w.cut:
			w.conn.end(errCut)
			return
		case <-ctx.Done():
			return
		}
	}
}

// snapshots sends the current values, as far as the client may get them.
func (w *watch) snapshots(ctx context.Context) {
	if _, err := w.conn.request(ctx, rpc.MethodLive, "", nil); err != nil && !denied(err) {
		return
	}
	records, err := w.list(ctx)
	if _, exact := key.WirePattern(w.pattern).Exact(); exact && err != nil {
		records = []string{w.pattern}
	}
	var held json.RawMessage
	var topic string
	flush := func(last bool) {
		if held != nil {
			w.seq++
			w.conn.push(w.copied(w.out.Snapshot(w.name, w.seq, topic, held, last)))
		}
	}
	for _, name := range records {
		value, err := w.conn.requestRecord(ctx, wire.MethodRecordGet, name, nil)
		if err != nil {
			continue // it has no value, or is not for this client
		}
		flush(false)
		held, topic = value, name
	}
	flush(true)
}

// list returns the keys of the records that match.
func (w *watch) list(ctx context.Context) (keys []string, err error) {
	answer, err := w.conn.request(ctx, wire.MethodRecordList, w.tokens, nil)
	if err != nil {
		return nil, err
	}
	var rows []aimx.RecordInfo
	if err := json.Unmarshal(answer, &rows); err != nil {
		return nil, err
	}
	for _, row := range rows {
		keys = append(keys, row.Key)
	}
	return keys, nil
}

// denied reports whether the service or the servers refuse a request.
func denied(err error) bool {
	var refused *aimx.Refusal
	return errors.As(err, &refused)
}

// event sends a value. Those that were lost before it consume numbers.
func (w *watch) event(m *nats.Msg) {
	dropped := 0
	for _, sub := range w.subs {
		if n, err := sub.Dropped(); err == nil {
			dropped += n
		}
	}
	w.seq += uint64(max(0, dropped-w.dropped)) + 1
	w.dropped = max(w.dropped, dropped)
	if lost, err := strconv.ParseUint(m.Header.Get(rpc.LostHeader), 10, 64); err == nil {
		w.seq += lost
	}
	record := m.Header.Get(rpc.KeyHeader)
	if !wire.IsPlain(record) || !wire.ValidJSON(m.Data) {
		return // the gap in the numbers shows it
	}
	w.conn.push(w.copied(w.out.Event(w.name, w.seq, record, m.Data)))
}

// copied returns a copy of a frame: the writer reuses its buffer.
func (w *watch) copied(frame []byte) []byte { return append([]byte(nil), frame...) }
