package integration

import (
	"bytes"
	"context"
	"encoding/json"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"

	"github.com/aimdb-go/aimdb"
)

const (
	liveSubject = "aimdb.bench.live.plant.line0.sensor0"
	liveValues  = 20_000 // of a turn
)

// BenchmarkListeners sends live values of one record to 10 subscribers on TCP,
// against publishing the same bytes with the bare client into a bare server,
// with and without the headers that our messages have. The target is 0.7
// x-nats; the subscribers are part of it, and reading headers is their work.
func BenchmarkListeners(b *testing.B) {
	const subscribers = 10
	s := serveFor(b, 1, []aimdb.RecordOption{aimdb.Ring(1024), aimdb.Remote(), aimdb.Lossless("live")}, aimdb.NATS("127.0.0.1:0"))
	ours := listen(b, "nats://"+s.Addresses().NATS, liveSubject, subscribers)
	server := startNATS(b)
	theirs := listen(b, server.ClientURL(), liveSubject, subscribers)
	publisher, err := nats.Connect("", nats.InProcessServer(server))
	if err != nil {
		b.Fatal(err)
	}
	defer publisher.Close()
	warmUp(b, s, ours)
	headers := nats.Header{"Aimdb-Key": {s.records[0].Key()}, "Aimdb-Time": {"1420070400000"}}
	turn := 0
	inTurns(b, subscribers*liveValues, "messages/s",
		func() {
			turn++
			ours.expect(encoded(b, turn))
			eachValue(b, turn, func(n int) error { return s.records[0].Send(b.Context(), sampled(n)) })
			ours.wait(b, liveValues)
		},
		yardstick{"nats", func() { turn++; bareLive(b, publisher, theirs, turn, nil) }},
		yardstick{"nats-with-headers", func() { turn++; bareLive(b, publisher, theirs, turn, headers) }})
}

// eachValue sends the values of a turn; the last one is the number of the turn.
func eachValue(b *testing.B, turn int, send func(n int) error) {
	for i := range liveValues {
		n := 0
		if i == liveValues-1 {
			n = turn
		}
		if err := send(n); err != nil {
			b.Fatal(err)
		}
	}
}

func bareLive(b *testing.B, publisher *nats.Conn, to *audience, turn int, headers nats.Header) {
	usual, last := encoded(b, 0), encoded(b, turn)
	to.expect(last)
	eachValue(b, turn, func(n int) error {
		m := &nats.Msg{Subject: liveSubject, Header: headers, Data: usual}
		if n > 0 {
			m.Data = last
		}
		return publisher.PublishMsg(m)
	})
	to.wait(b, liveValues)
}

func encoded(b *testing.B, n int) []byte {
	raw, err := json.Marshal(sampled(n))
	if err != nil {
		b.Fatal(err)
	}
	return raw
}

func startNATS(b *testing.B) *server.Server {
	b.Helper()
	s, err := server.NewServer(&server.Options{Host: "127.0.0.1", Port: -1, NoSigs: true, NoLog: true})
	if err != nil {
		b.Fatal(err)
	}
	s.Start()
	b.Cleanup(func() { s.Shutdown(); s.WaitForShutdown() })
	if !s.ReadyForConnections(patience) {
		b.Fatal("the bare server does not start")
	}
	return s
}

// audience is a number of subscribers of one subject.
type audience struct {
	heard []atomic.Int64
	goal  atomic.Pointer[goal]
}

// goal is reached when every subscriber has got the value that ends a turn.
type goal struct {
	end  []byte
	left atomic.Int64
	done chan struct{}
}

func listen(b *testing.B, url, subject string, count int) *audience {
	b.Helper()
	a := &audience{heard: make([]atomic.Int64, count)}
	a.expect(nil)
	for i := range count {
		nc, err := nats.Connect(url)
		if err != nil {
			b.Fatal(err)
		}
		b.Cleanup(nc.Close)
		sub, err := nc.Subscribe(subject, func(m *nats.Msg) { a.hear(i, m.Data) })
		if err == nil {
			err = sub.SetPendingLimits(-1, -1)
		}
		if err == nil {
			err = nc.Flush()
		}
		if err != nil {
			b.Fatal(err)
		}
	}
	return a
}

func (a *audience) hear(i int, data []byte) {
	a.heard[i].Add(1)
	if g := a.goal.Load(); bytes.Equal(data, g.end) && g.left.Add(-1) == 0 {
		close(g.done)
	}
}

func (a *audience) expect(end []byte) {
	for i := range a.heard {
		a.heard[i].Store(0)
	}
	g := &goal{end: end, done: make(chan struct{})}
	g.left.Store(int64(len(a.heard)))
	a.goal.Store(g)
}

// wait returns when the value that ends the turn has come to everybody, and
// checks that all others had.
func (a *audience) wait(b *testing.B, values int) {
	b.Helper()
	ctx, cancel := context.WithTimeout(b.Context(), patience)
	defer cancel()
	select {
	case <-a.goal.Load().done:
	case <-ctx.Done():
		b.Fatal("the last value did not come")
	}
	for i := range a.heard {
		if got := a.heard[i].Load(); got < int64(values) {
			b.Fatalf("subscriber %d got %d of %d values", i, got, values)
		}
	}
}

// warmUp returns when the database has noticed that somebody listens, and all
// that it sent until then has arrived.
func warmUp(b *testing.B, s *served, a *audience) {
	b.Helper()
	for noticed := false; !noticed; {
		a.expect(encoded(b, -1))
		s.records[0].Produce(sampled(-1))
		select {
		case <-a.goal.Load().done:
			noticed = true
		case <-time.After(100 * time.Millisecond):
		}
	}
	a.expect(encoded(b, -2))
	s.records[0].Produce(sampled(-2))
	a.wait(b, 1)
}
