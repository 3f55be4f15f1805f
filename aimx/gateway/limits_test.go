package gateway_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"

	"github.com/aimdb-go/aimdb/aimx"
	"github.com/aimdb-go/aimdb/aimx/gateway"
	"github.com/aimdb-go/aimdb/history"
)

// TestLimits meets each limit over each transport, and gets an answer that names it.
func TestLimits(t *testing.T) {
	rows := []history.Row{
		{ID: 1, Record: "attic.co2", Time: 1, Value: []byte(`1`)}, {ID: 2, Record: "attic.door", Time: 2, Value: []byte(`2`)},
	}
	const query = `{"t":"req","id":7,"method":"record.query"}`
	cases := map[string]struct {
		limits gateway.Limits
		meet   func(t *testing.T, h *fixture, transport string, p peer)
	}{
		"Connections": {gateway.Limits{Connections: 1}, meetConnections},
		"Subscriptions": {gateway.Limits{Subscriptions: 1}, func(t *testing.T, _ *fixture, _ string, p peer) {
			p.send(t, `{"t":"sub","id":1,"topic":"attic.co2"}`)
			barrierFor(t, p)
			answers(t, p, `{"t":"sub","id":7,"topic":"attic.door"}`, "denied", "at most 1 subscriptions")
			p.send(t, `{"method":"record.subscribe","params":{"name":"attic.door"}}`)
			if got := p.next(t); !strings.Contains(got, "permission_denied") || !strings.Contains(got, "at most 1 subscriptions") {
				t.Errorf("got %s", got)
			}
		}},
		"Resuming": {gateway.Limits{Resuming: 1}, func(t *testing.T, _ *fixture, _ string, p peer) {
			p.send(t, `{"t":"sub","id":1,"topic":"accuracy::vienna","from":0}`)
			barrierFor(t, p)
			answers(t, p, `{"t":"sub","id":7,"topic":"accuracy::vienna","from":0}`, "denied", "at most 1 subscriptions with from")
		}},
		"FrameBytes": {gateway.Limits{FrameBytes: 2000}, meetFrameBytes},
		"QueryRows": {gateway.Limits{QueryRows: 1}, func(t *testing.T, _ *fixture, _ string, p peer) {
			answers(t, p, query, "internal", "more than 1 rows")
			answers(t, p, `{"t":"req","id":7,"method":"history.buckets","params":{"width":1}}`, "internal", "more than 1 buckets")
		}},
		"QueryBytes": {gateway.Limits{QueryBytes: 60}, func(t *testing.T, _ *fixture, _ string, p peer) {
			answers(t, p, query, "internal", "or 60 bytes")
		}},
		"PageRows":  {gateway.Limits{PageRows: 1}, meetPage},
		"PageBytes": {gateway.Limits{PageBytes: 1}, meetPage},
		"QueryTimeout": {gateway.Limits{QueryTimeout: 50 * time.Millisecond}, func(t *testing.T, h *fixture, _ string, p peer) {
			h.history.hold, h.history.begun = make(chan struct{}), make(chan struct{}, 1)
			answers(t, p, query, "internal", "longer than 50ms")
			<-h.history.begun
		}},
		"VerifyTimeout": {gateway.Limits{VerifyTimeout: 50 * time.Millisecond}, func(t *testing.T, _ *fixture, _ string, p peer) {
			answers(t, p, `{"t":"req","id":7,"method":"history.verify"}`, "internal", "longer than 50ms")
		}},
		"Queries": {gateway.Limits{Queries: 1, Waiting: 1}, meetQueries},
		"Waiting": {gateway.Limits{Queries: 2, Waiting: 3}, meetQueries},
		"WriteTimeout": {gateway.Limits{WriteTimeout: 100 * time.Millisecond}, func(t *testing.T, h *fixture, _ string, p peer) {
			p.send(t, `{"t":"req","id":0,"method":"hello","params":{"version":"3.0","frame_bytes":1000000}}`)
			p.next(t)
			p.send(t, `{"t":"sub","id":1,"topic":"attic.co2"}`)
			barrierFor(t, p)
			for n := 0; h.server.Connections() > 0; n++ { // it reads nothing
				h.co2.Produce(reading{PPM: n, Note: strings.Repeat("x", 100_000)})
				time.Sleep(time.Millisecond)
			}
		}},
		"TokenTimeout": {gateway.Limits{TokenTimeout: 100 * time.Millisecond}, func(t *testing.T, h *fixture, transport string, p peer) {
			if transport == "unix" {
				return // it asks for none
			}
			if got := p.next(t); !strings.HasPrefix(got, `{"t":"reply","id":0,"err":"denied","msg":"no token came within 100ms`) {
				t.Errorf("got %s", got)
			}
			ends(t, p)
		}},
	}
	for name := range reflect.TypeFor[gateway.Limits]().Fields() {
		if _, met := cases[name.Name]; !met {
			t.Errorf("nothing meets the limit %s", name.Name)
		}
	}
	for name, c := range cases {
		for _, transport := range []string{"unix", "tcp", "websocket"} {
			t.Run(name+" over "+transport, func(t *testing.T) {
				h := open(t, func(config *gateway.Config) {
					config.Limits, config.Follow = c.limits, (&fakeFollow{ended: make(chan struct{}, 1)}).follow
					config.Verify = waitingVerify
					if name == "TokenTimeout" {
						config.Access = listOf(t, gateway.Token{Token: allToken})
					}
				})
				h.limits, h.history.rows = c.limits, rows
				h.history.buckets = []history.Bucket{{Record: "attic.co2", Count: 1}, {Record: "attic.door", Count: 1}}
				c.meet(t, h, transport, h.peer(t, transport))
			})
		}
	}
}

// waitingVerify verifies until it is told to end.
func waitingVerify(ctx context.Context) (aimx.Verification, error) {
	<-ctx.Done()
	return aimx.Verification{}, ctx.Err()
}

// answers sends a request with the id 7 and checks its refusal.
func answers(t *testing.T, p peer, frame, code, reason string) {
	t.Helper()
	p.send(t, frame)
	if got := p.next(t); !strings.HasPrefix(got, `{"t":"reply","id":7,"err":"`+code+`","msg":`) || !strings.Contains(got, reason) {
		t.Errorf("%.100s\ngot  %.300s\nwant %s with %q", frame, got, code, reason)
	}
}

// ends checks that the server closes the connection.
func ends(t *testing.T, p peer) {
	t.Helper()
	if got, err := p.read(); err == nil {
		t.Errorf("the connection goes on with %s", got)
	}
}

func meetConnections(t *testing.T, h *fixture, transport string, first peer) {
	barrier(t, first)
	if transport == "websocket" {
		_, response, err := websocket.Dial(soon(t), h.webSocket()+"?v=3.0", nil)
		if err == nil || response == nil || response.StatusCode != 503 {
			t.Fatalf("got %v, %v", response, err)
		}
		if body, err := io.ReadAll(response.Body); err != nil || !strings.Contains(string(body), "too many connections") {
			t.Errorf("got %q, %v", body, err)
		}
		return
	}
	for frame, want := range map[string]string{
		`{"t":"req","id":7,"method":"hello","params":{"version":"3.0"}}`: `{"t":"reply","id":7,"err":"denied"}`,
		`{"t":"sub","id":7,"topic":"#"}`:                                 `{"t":"reply","id":7,"err":"denied"}`,
		`{"hello":{"version":"1.0"}}`:                                    `{"id":0,"error":{"code":"permission_denied"}}`,
	} {
		p := h.peer(t, transport)
		p.send(t, `{"t":"ping"}`)
		exchange(t, p, frame, want)
		ends(t, p)
	}
	barrier(t, first)
}

func meetFrameBytes(t *testing.T, h *fixture, transport string, p peer) {
	long := strings.Repeat("x", 4000)
	if transport == "websocket" {
		p.send(t, `{"t":"req","id":7,"method":"`+long+`"}`)
		if got, err := p.read(); websocket.CloseStatus(err) != websocket.StatusMessageTooBig {
			t.Errorf("got %q, %v", got, err)
		}
		return
	}
	answers(t, p, `{"t":"req","id":7,"method":"`+long+`"}`, "internal", "at most 2000 bytes")
	ends(t, p)
	hidden := h.peer(t, transport)
	hidden.send(t, `{"t":"req","method":"`+long+`","id":7}`)
	ends(t, hidden)
}

func meetPage(t *testing.T, _ *fixture, _ string, p peer) {
	for _, frame := range []string{`{"t":"req","id":7,"method":"history.page","params":{"limit":2}}`, `{"t":"req","id":7,"method":"record.query","params":{"cursor":"","limit":2}}`} {
		p.send(t, frame)
		if got := p.next(t); strings.Count(got, "attic.") != 1 || !strings.Contains(got, `"next":"`) || strings.Contains(got, `"next":""`) {
			t.Errorf("%s\ngot %s", frame, got)
		}
	}
}

// meetQueries asks for more queries than run and wait. The connection goes on meanwhile.
func meetQueries(t *testing.T, h *fixture, _ string, p peer) {
	limits := h.limits
	h.history.hold, h.history.begun = make(chan struct{}), make(chan struct{}, limits.Queries+limits.Waiting)
	for id := range limits.Queries + limits.Waiting {
		p.send(t, fmt.Sprintf(`{"t":"req","id":%d,"method":"record.query"}`, 100+id))
	}
	answers(t, p, `{"t":"req","id":7,"method":"record.query"}`, "denied", fmt.Sprintf("at most %d queries that run and %d that wait", limits.Queries, limits.Waiting))
	barrier(t, p)
	close(h.history.hold)
	for range limits.Queries + limits.Waiting {
		if got := p.next(t); !strings.Contains(got, `"total":2`) {
			t.Errorf("got %s", got)
		}
	}
}

// TestNegativeLimits: a limit is positive or left out.
func TestNegativeLimits(t *testing.T) {
	for _, l := range []gateway.Limits{{Connections: -1}, {Waiting: -1}, {TokenTimeout: -1}} {
		if l.Check() == nil {
			t.Errorf("%+v was accepted", l)
		}
	}
	if err := errors.Join(gateway.Limits{}.Check(), gateway.Limits{Queries: 1}.Check()); err != nil {
		t.Error(err)
	}
}
