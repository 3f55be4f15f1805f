package gateway_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/aimdb-go/aimdb/aimx/gateway"
)

// barrier waits until the server has handled all frames sent before.
func barrier(t *testing.T, p peer) { t.Helper(); exchange(t, p, `{"t":"ping"}`, `{"t":"pong"}`) }

func TestExactSubscriptionOnASocket(t *testing.T) {
	h := open(t)
	p := h.linePeer(t)
	h.co2.Produce(reading{PPM: 1})
	h.door.Produce(reading{PPM: 2})
	p.send(t, `{"t":"sub","id":5,"topic":"attic.co2"}`)
	barrier(t, p)
	h.co2.Produce(reading{PPM: 3})
	expect(t, p, `{"t":"event","seq":1,"sub":"5","data":{"ppm":3}}`)
	h.co2.Produce(reading{PPM: 4})
	expect(t, p, `{"t":"event","seq":2,"sub":"5","data":{"ppm":4}}`)
	p.send(t, `{"t":"sub","id":6,"topic":"attic.door"}`)
	expect(t, p, `{"t":"event","seq":1,"sub":"6","data":{"ppm":2}}`)
	for _, c := range []struct{ frame, want string }{
		{`{"t":"sub","id":7,"topic":"nothing"}`, `{"t":"reply","id":7,"err":"not_found"}`},
		{`{"t":"sub","id":7,"topic":"cellar.safe"}`, `{"t":"reply","id":7,"err":"internal"}`},
	} {
		exchange(t, p, c.frame, c.want)
	}
	p.send(t, `{"t":"unsub","sub":"5"}`)
	p.send(t, `{"t":"unsub","sub":"5"}`)
	barrier(t, p)
	h.co2.Produce(reading{PPM: 5})
	h.door.Produce(reading{PPM: 6})
	expect(t, p, `{"t":"event","seq":2,"sub":"6","data":{"ppm":6}}`)
}

func TestWildcardSubscriptionOnASocket(t *testing.T) {
	h := open(t)
	p := h.linePeer(t)
	h.co2.Produce(reading{PPM: 1})
	h.door.Produce(reading{PPM: 2})
	h.tuned.Produce(settings{3})
	h.hidden.Produce(reading{PPM: 4})
	h.logged.Produce(reading{PPM: 5}) // kept for the log, and not an event
	p.send(t, `{"t":"sub","id":0,"topic":"#"}`)
	expect(t, p,
		`{"t":"snap","seq":1,"topic":"attic.door","sub":"0","data":{"ppm":2}}`,
		`{"t":"snap","seq":2,"last":true,"topic":"hub.settings","sub":"0","data":{"tolerance_celsius":3.0}}`)
	h.hidden.Produce(reading{PPM: 6})
	h.logged.Produce(reading{PPM: 7})
	expect(t, p, `{"t":"event","seq":3,"topic":"accuracy::vienna","sub":"0","data":{"ppm":7}}`)
	h.door.Produce(reading{PPM: 8})
	expect(t, p, `{"t":"event","seq":4,"topic":"attic.door","sub":"0","data":{"ppm":8}}`)
}

// A wildcard subscription takes no value from a mailbox.
func TestWildcardLeavesTheMailboxAlone(t *testing.T) {
	h := open(t)
	p := h.linePeer(t)
	h.tuned.Produce(settings{1.5})
	p.send(t, `{"t":"sub","id":1,"topic":"hub.*"}`)
	expect(t, p, `{"t":"snap","seq":1,"last":true,"topic":"hub.settings","sub":"1","data":{"tolerance_celsius":1.5}}`) // there is none of the mailbox
	h.bell.Produce(reading{PPM: 1})
	expect(t, p, `{"t":"event","seq":2,"topic":"hub.bell","sub":"1","data":{"ppm":1}}`)
	app := h.bell.Subscribe("app")
	defer app.Close()
	if v, ok := app.TryReceive(); !ok || v.PPM != 1 {
		t.Errorf("the application got %v, %v", v, ok)
	}
}

func TestSubscriptionsOnAWebSocket(t *testing.T) {
	h := open(t)
	p := h.webPeer(t)
	h.co2.Produce(reading{PPM: 1})
	h.door.Produce(reading{PPM: 2})
	p.send(t, `{"t":"sub","id":1,"topic":"attic.co2"}`)
	expect(t, p,
		`{"t":"subscribed","sub":"1"}`,
		`{"t":"snap","seq":1,"last":true,"topic":"attic.co2","sub":"1","data":{"ppm":1}}`)
	h.co2.Produce(reading{PPM: 3})
	expect(t, p, `{"t":"event","seq":2,"topic":"attic.co2","sub":"1","data":{"ppm":3}}`)
	p.send(t, `{"t":"unsub","sub":"1"}`)
	p.send(t, `{"t":"sub","id":2,"topic":"attic.c*"}`) // a wildcard that matches nothing
	expect(t, p, `{"t":"subscribed","sub":"2"}`)
	p.send(t, `{"t":"sub","id":3,"topic":"nothing"}`)
	expect(t, p, `{"t":"subscribed","sub":"3"}`)
	p.send(t, `{"t":"sub","id":4,"topic":"attic.#"}`)
	expect(t, p,
		`{"t":"subscribed","sub":"4"}`,
		`{"t":"snap","seq":1,"topic":"attic.co2","sub":"4","data":{"ppm":3}}`,
		`{"t":"snap","seq":2,"last":true,"topic":"attic.door","sub":"4","data":{"ppm":2}}`)
}

func TestAnIdUsedAgainReplacesTheOldSubscription(t *testing.T) {
	h := open(t, func(c *gateway.Config) { c.Limits.Subscriptions = 1 })
	p := h.linePeer(t)
	p.send(t, `{"t":"sub","id":1,"topic":"attic.co2"}`)
	p.send(t, `{"t":"sub","id":1,"topic":"attic.door"}`)
	exchange(t, p, `{"t":"sub","id":2,"topic":"attic.co2"}`, `{"t":"reply","id":2,"err":"denied"}`)
	h.co2.Produce(reading{PPM: 1})
	h.door.Produce(reading{PPM: 2})
	expect(t, p, `{"t":"event","seq":1,"sub":"1","data":{"ppm":2}}`)
	p.send(t, `{"t":"unsub","sub":"1"}`)
	p.send(t, `{"t":"sub","id":2,"topic":"attic.co2"}`)
	barrier(t, p)
	h.co2.Produce(reading{PPM: 3})
	expect(t, p, `{"t":"event","seq":1,"sub":"2","data":{"ppm":3}}`)
}

// Values that a ring drops for a slow subscriber consume numbers: gaps and events
// together are the values produced.
func TestGapsAreNumbered(t *testing.T) {
	h := open(t)
	p := h.linePeer(t)
	p.send(t, `{"t":"sub","id":1,"topic":"attic.co2"}`)
	p.send(t, `{"t":"sub","id":2,"topic":"*.co2"}`)
	barrierFor(t, p)
	const produced = 50_000
	for n := range produced {
		h.co2.Produce(reading{PPM: n + 1})
	}
	for ended := 0; ended < 2; {
		var e struct {
			Seq  int
			Data reading
		}
		if err := json.Unmarshal([]byte(p.next(t)), &e); err != nil {
			t.Fatal(err)
		}
		if e.Seq != e.Data.PPM {
			t.Fatalf("value %d has number %d", e.Data.PPM, e.Seq)
		}
		if e.Seq == produced {
			ended++
		}
	}
}

// A client that reads nothing delays neither writers nor other clients, and is
// disconnected in the end.
func TestStuckClient(t *testing.T) {
	h := open(t, func(c *gateway.Config) { c.Limits.WriteTimeout = 200e6 })
	tcp := h.lengthPeer(t)
	tcp.send(t, `{"t":"req","id":0,"method":"hello","params":{"version":"3.0","frame_bytes":1000000}}`)
	for _, stuck := range []peer{h.linePeer(t), tcp, h.webPeer(t)} {
		stuck.send(t, `{"t":"sub","id":1,"topic":"#"}`)
		barrierFor(t, stuck)
	}
	other := dial(t, h.socket)
	w, err := other.Watch(soon(t), "attic.co2")
	if err != nil {
		t.Fatal(err)
	}
	connected := h.server.Connections()
	long := strings.Repeat("x", 100_000) // fills the buffers of the stuck sockets soon
	for n := 1; h.server.Connections() > 1; n++ {
		h.door.Produce(reading{PPM: n, Note: long})
		h.co2.Produce(reading{PPM: n}) // the socket has room for it, so that its write never waits
		u, err := w.Next(soon(t))
		if err != nil {
			t.Fatal(err)
		}
		if want := fmt.Sprintf(`{"ppm":%d}`, n); string(u.Data) != want || u.Skipped != 0 {
			t.Fatalf("got %.40s (%d skipped), want %.40s", u.Data, u.Skipped, want)
		}
	}
	if connected != 4 {
		t.Errorf("there were %d connections, want 4", connected)
	}
	if c := h.server.Counts(); c.Slow != 3 || c.Connections != 1 || c.Frames < 7 {
		t.Errorf("it counts %+v", c)
	}
}

// barrierFor is barrier for a peer that has subscribed: it skips other frames.
func barrierFor(t *testing.T, p peer) {
	t.Helper()
	p.send(t, `{"t":"ping"}`)
	for p.next(t) != `{"t":"pong"}` {
	}
}
