package gateway_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/aimdb-go/aimdb/aimx/gateway"
	"github.com/aimdb-go/aimdb/history"
	"github.com/aimdb-go/aimdb/loss"
)

// fakeFollow yields given events, and then an error or nothing until its context ends.
type fakeFollow struct {
	events []gateway.FollowEvent
	err    error
	asked  atomic.Pointer[gateway.FollowQuery]
	// ended gets a token when a sequence has ended.
	ended chan struct{}
}

func (f *fakeFollow) follow(ctx context.Context, q gateway.FollowQuery) iter.Seq2[gateway.FollowEvent, error] {
	f.asked.Store(&q)
	return func(yield func(gateway.FollowEvent, error) bool) {
		defer func() { f.ended <- struct{}{} }()
		for _, e := range f.events {
			if (e.Record == "" || q.Includes(e.Record)) && !yield(e, nil) {
				return
			}
		}
		if f.err != nil {
			yield(gateway.FollowEvent{}, f.err)
			return
		}
		<-ctx.Done()
	}
}

func openFollow(t *testing.T, f *fakeFollow) *fixture {
	t.Helper()
	f.ended = make(chan struct{}, 10)
	return open(t, func(c *gateway.Config) {
		c.Follow, c.RemoteHistory = f.follow, false
		c.Limits.Resuming = 2
	})
}

// bothPeers runs a test on a socket and on a WebSocket.
func (h *fixture) bothPeers(t *testing.T, test func(*testing.T, peer)) {
	t.Helper()
	t.Run("socket", func(t *testing.T) { test(t, h.linePeer(t)) })
	t.Run("websocket", func(t *testing.T) { test(t, h.webPeer(t)) })
}

func TestFollowFrames(t *testing.T) {
	f := &fakeFollow{err: errors.New("broken"), events: []gateway.FollowEvent{
		{Begin: &gateway.FollowBegin{Base: "B"}, At: ".0"},
		{Record: "accuracy::vienna", Time: -5, Value: []byte(`{"ppm":1}`), At: ".1"},
		{Record: "cellar.safe", Time: 6, Value: []byte(`2`), At: ".2"},
		{Record: "unknown", Time: 6, Value: []byte(`2`), At: ".2"},
		{Begin: &gateway.FollowBegin{Base: "C", Reason: `the "log" has discarded`, From: 4}, At: ".3"},
		{CaughtUp: true, At: ".4"},
		{Record: "accuracy::vienna", Time: 7, Value: []byte(`3`), At: ".5", Lost: 3, Loss: &loss.Loss{Cause: loss.LogDiscarded, Count: 9, From: 1, To: 9}},
	}}
	h := openFollow(t, f)
	h.bothPeers(t, func(t *testing.T, p peer) {
		p.send(t, `{"t":"sub","id":5,"topic":"accuracy.vienna","from":1700000000000}`)
		expect(t, p,
			`{"t":"subscribed","sub":"5","follows":true}`,
			`{"t":"begin","sub":"5","base":"B","at":".0"}`,
			`{"t":"event","seq":1,"topic":"accuracy::vienna","sub":"5","time":-5,"at":".1","data":{"ppm":1}}`,
			`{"t":"begin","sub":"5","base":"C","at":".3","time":4,"msg":"the \"log\" has discarded"}`,
			`{"t":"caught_up","sub":"5","at":".4"}`,
			`{"t":"event","seq":5,"topic":"accuracy::vienna","sub":"5","time":7,"at":".5","loss":{"record":"","cause":"log_discarded","count":9,"from":1,"to":9,"first_time":0,"last_time":0},"data":3}`,
			`{"t":"reply","id":5,"err":"internal","msg":"the history failed: the subscription ended: broken"}`,
		)
		<-f.ended
		if q := f.asked.Load(); q.From == nil || *q.From != 1700000000000 || q.Pattern.String() != "accuracy::vienna" {
			t.Errorf("asked %+v", q)
		}
		p.send(t, `{"t":"sub","id":6,"topic":"#","from":"B.\u00e9"}`)
		expect(t, p, `{"t":"subscribed","sub":"6","follows":true}`)
		<-f.ended
		if q := f.asked.Load(); q.From != nil || q.After != "B.é" || q.Pattern.String() != "#" {
			t.Errorf("asked %+v", q)
		}
	})
}

func TestFollowRefusals(t *testing.T) {
	f := &fakeFollow{}
	h := openFollow(t, f)
	h.bothPeers(t, func(t *testing.T, p peer) {
		for sub, want := range map[string]string{
			`"topic":"attic.co2","from":0`:              "does not persist",
			`"topic":"attic.*","from":0`:                "no record that matches",
			`"topic":"cellar.safe","from":0`:            "not exposed",
			`"topic":"none","from":0`:                   "there is no record",
			`"topic":"accuracy::vienna","from":1.5`:     "must be a time",
			`"topic":"accuracy::vienna","from":{}`:      "must be a time",
			`"topic":"accuracy::vienna","from":true`:    "must be a time",
			`"topic":"accuracy::vienna","from":1e300`:   "must be a time",
			`"topic":"accuracy::vienna.#.a**","from":0`: "stand alone",
		} {
			p.send(t, `{"t":"sub","id":9,`+sub+`}`)
			if got := p.next(t); !strings.HasPrefix(got, `{"t":"reply","id":9,"err":"`) || !strings.Contains(got, want) {
				t.Errorf("%s: %s, want %q", sub, got, want)
			}
		}
		// The third is one too many. One that was ended does not count.
		for id := range 3 {
			p.send(t, fmt.Sprintf(`{"t":"sub","id":%d,"topic":"accuracy.#","from":0}`, id))
		}
		expect(t, p, `{"t":"subscribed","sub":"0","follows":true}`, `{"t":"subscribed","sub":"1","follows":true}`,
			`{"t":"reply","id":2,"err":"denied","msg":"a connection has at most 2 subscriptions with from; unsub one or open another connection"}`)
		p.send(t, `{"t":"unsub","sub":"0"}`)
		<-f.ended
		p.send(t, `{"t":"sub","id":3,"topic":"accuracy.#","from":0}`)
		expect(t, p, `{"t":"subscribed","sub":"3","follows":true}`)
	})
}

// null is no from, and a wrong one that is a QueryError says why and is not logged.
func TestFollowOfNothing(t *testing.T) {
	f := &fakeFollow{err: &history.QueryError{Reason: "no position"}}
	h := openFollow(t, f)
	p := h.linePeer(t)
	p.send(t, `{"t":"sub","id":1,"topic":"hub.settings","from":null}`)
	h.tuned.Produce(settings{1})
	expect(t, p, `{"t":"event","seq":1,"sub":"1","data":{"tolerance_celsius":1.0}}`)
	p.send(t, `{"t":"sub","id":2,"topic":"#","from":"x"}`)
	expect(t, p, `{"t":"subscribed","sub":"2","follows":true}`, `{"t":"reply","id":2,"err":"internal","msg":"no position"}`)
	without := open(t).linePeer(t)
	exchange(t, without, `{"t":"sub","id":1,"topic":"#","from":0}`, `{"t":"reply","id":1,"err":"internal"}`)
}
