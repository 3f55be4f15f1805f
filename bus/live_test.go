package bus

import (
	"bufio"
	"fmt"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/aimdb-go/aimdb/records"
	"github.com/nats-io/nats.go"
)

func TestLiveValuesGoOutWhileSomebodyListens(t *testing.T) {
	b := open(t, setup{Listen: "127.0.0.1:0"})
	reg := registry(t)
	r := register(t, reg, "hub.settings", records.Config{Kind: records.Ring, Capacity: 100, Remote: true})
	republish(t, b, reg)
	o := outside(t, b)
	sub, err := o.nc.SubscribeSync("aimdb.*.live.>")
	if err != nil {
		t.Fatal(err)
	}
	m := produceUntil(t, r, sub)
	if m.Subject != "aimdb.test.live.hub.settings" || m.Header.Get(KeyHeader) != "hub.settings" {
		t.Fatalf("got %s %v", m.Subject, m.Header)
	}
}

// A server that nobody can reach has no subscribers, so nothing watches for them.
func TestLiveEndsAtOnceWithoutAListener(t *testing.T) {
	b := open(t, setup{})
	reg := registry(t)
	r := register(t, reg, "a", records.Config{Kind: records.Ring, Capacity: 8})
	ctx := deadline(t)
	l := newLive(b.Bus, reg)
	l.add(r.Untyped())
	l.run(ctx)
	if ctx.Err() != nil {
		t.Fatal("live values are published although nobody can subscribe")
	}
}

// produceUntil produces until the subscription has a message, because the republisher
// notices a subscription with a delay.
func produceUntil(t testing.TB, r *records.Record[reading], sub *nats.Subscription) *nats.Msg {
	t.Helper()
	for i := 0; ; i++ {
		r.Produce(reading{i})
		m, err := sub.NextMsg(20 * time.Millisecond)
		if err == nil {
			return m
		}
		if deadline(t).Err() != nil || i > 500 {
			t.Fatal("nothing came")
		}
	}
}

// stuckClient subscribes to everything and stops reading.
func stuckClient(t testing.TB, b testBus) {
	t.Helper()
	c, err := net.Dial("tcp", b.server.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	if _, err := c.Write([]byte("CONNECT {\"headers\":true}\r\nSUB aimdb.*.log.> 1\r\nPING\r\n")); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewReader(c)
	for {
		line, err := lines.ReadString('\n')
		if err != nil {
			t.Fatal(err)
		}
		if strings.HasPrefix(line, "PONG") {
			return
		}
	}
}

type page struct {
	Text string `json:"text"`
}

func TestAStuckSubscriberSlowsNobody(t *testing.T) {
	b := open(t, setup{Listen: "127.0.0.1:0"})
	reg := registry(t)
	logged := records.Config{Kind: records.Ring, Capacity: 1000, Logged: true, Remote: true}
	small := register(t, reg, "small", logged)
	large, err := records.Register[page](reg, "large", logged)
	if err != nil {
		t.Fatal(err)
	}
	republish(t, b, reg)
	stuckClient(t, b)
	const subscribers, values = 1000, 50
	conns := make([]*outsider, 10)
	for i := range conns {
		conns[i] = outside(t, b)
	}
	subs := make([]*nats.Subscription, subscribers)
	for i := range subs {
		if subs[i], err = conns[i%len(conns)].nc.SubscribeSync("aimdb.test.log.small"); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range conns {
		if err := c.nc.Flush(); err != nil {
			t.Fatal(err)
		}
	}
	text := page{strings.Repeat("x", 256<<10)}
	for i := range values {
		if err := large.ProduceLogged(deadline(t), text); err != nil {
			t.Fatal(err)
		}
		if err := small.ProduceLogged(deadline(t), reading{i}); err != nil {
			t.Fatal(err)
		}
	}
	for i, sub := range subs {
		for n := range values {
			m, err := sub.NextMsgWithContext(deadline(t))
			if err != nil || string(m.Data) != fmt.Sprintf(`{"n":%d}`, n) {
				t.Fatalf("subscriber %d, value %d: %v", i, n, err)
			}
		}
	}
	for wait := deadline(t); ; {
		s, err := b.Stats(wait)
		if err != nil {
			t.Fatalf("the stuck client was never cut off: %v", err)
		}
		if s.SlowClients > 0 {
			return
		}
	}
}
