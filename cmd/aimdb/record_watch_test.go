package main

import (
	"context"
	"fmt"
	"iter"
	"net"
	"strings"
	"testing"

	"github.com/aimdb-go/aimdb/aimx/gateway"
	"github.com/aimdb-go/aimdb/records"
)

// followable returns the registry of a record that persists.
func followable(t *testing.T) *records.Registry {
	t.Helper()
	registry := records.NewRegistry(records.RegistryOptions{})
	if _, err := records.Register[int](registry, "attic.co2", records.Config{Kind: records.Ring, Capacity: 4, Remote: true, Logged: true}); err != nil {
		t.Fatal(err)
	}
	if err := registry.Build(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(registry.Close)
	return registry
}

// numbersAfter yields the numbers from first to last, each at a second of its own, and
// then does something.
func numbersAfter(yield func(gateway.FollowEvent, error) bool, begin gateway.FollowBegin, first, last int, then func()) {
	begin.Base = "B"
	if !yield(gateway.FollowEvent{Begin: &begin, At: fmt.Sprintf(".%d", first-1)}, nil) {
		return
	}
	for n := first; n <= last; n++ {
		e := gateway.FollowEvent{Record: "attic.co2", Time: 1_700_000_000_000 + int64(n)*1000, Value: fmt.Append(nil, n), At: fmt.Sprintf(".%d", n)}
		if !yield(e, nil) {
			return
		}
	}
	then()
}

// cutting is a listener that calls a function as soon as one of its connections has written
// the end of the stored values and a pong. The client waits for that pong before it takes
// values, and still reads what was written.
type cutting struct {
	net.Listener
	cut func()
}

// Accept implements net.Listener.
func (l *cutting) Accept() (net.Conn, error) {
	conn, err := l.Listener.Accept()
	return &cuttingConn{Conn: conn, cut: l.cut}, err
}

type cuttingConn struct {
	net.Conn
	cut     func()
	written string
}

// Write implements net.Conn.
func (c *cuttingConn) Write(b []byte) (int, error) {
	n, err := c.Conn.Write(b)
	c.written += string(b[:n])
	if strings.Contains(c.written, `"caught_up"`) && strings.Contains(c.written, `"pong"`) {
		c.cut()
	}
	return n, err
}

// TestRecordWatchFrom: stored values come with their times, and a cut connection is made
// again after the last value.
func TestRecordWatchFrom(t *testing.T) {
	t.Parallel()
	registry, socket := followable(t), shortPath(t)
	serve := func(ctx context.Context, l net.Listener, follow gateway.Follow) error {
		return gateway.New(gateway.Config{Registry: registry, Follow: follow}).Serve(ctx, l)
	}
	listener, err := gateway.Listen(socket)
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	var asked []gateway.FollowQuery // by one server, and then by the other
	go func() {
		first, cut := context.WithCancel(ctx)
		defer cut()
		err := serve(first, &cutting{listener, cut}, func(_ context.Context, q gateway.FollowQuery) iter.Seq2[gateway.FollowEvent, error] {
			asked = append(asked, q)
			return func(yield func(gateway.FollowEvent, error) bool) {
				numbersAfter(yield, gateway.FollowBegin{}, 1, 2, func() {
					if yield(gateway.FollowEvent{CaughtUp: true, At: ".2"}, nil) {
						<-first.Done()
					}
				})
			}
		})
		if err == nil {
			listener, err = gateway.Listen(socket)
		}
		if err == nil {
			err = serve(ctx, listener, func(ctx context.Context, q gateway.FollowQuery) iter.Seq2[gateway.FollowEvent, error] {
				asked = append(asked, q)
				return func(yield func(gateway.FollowEvent, error) bool) {
					numbersAfter(yield, gateway.FollowBegin{Reason: "the log is short", From: 1_700_000_003_000}, 3, 4, func() { <-ctx.Done() })
				}
			})
		}
		ended <- err
	}()
	r := aimdb(t, "record", "watch", "attic.*", "--from", "2023-11-14T22:13:20Z", "--count", "4", "--connect", socket)
	want := "TIME                      RECORD     VALUE\n"
	for n := 1; n <= 4; n++ {
		want += fmt.Sprintf("2023-11-14T22:13:2%d.000Z  attic.co2  %d\n", n, n)
	}
	if out := r.ok(t); out != want {
		t.Errorf("got\n%s\nwant\n%s", out, want)
	}
	for _, say := range []string{"what follows is live", "connecting again", "the log is short; values from 2023-11-14T22:13:23.000Z on are printed again"} {
		if !strings.Contains(r.stderr, say) {
			t.Errorf("it does not say %q:\n%s", say, r.stderr)
		}
	}
	stop()
	if err := <-ended; err != nil {
		t.Error(err)
	}
	if len(asked) != 2 || asked[0].From == nil || *asked[0].From != 1_700_000_000_000 || asked[1].After != "B.2" {
		t.Errorf("asked %+v", asked)
	}
}

// TestRecordWatchFromNeedsALog: a server without a log, and a time that is none.
func TestRecordWatchFromNeedsALog(t *testing.T) {
	socket := serveGateway(t, gateway.Config{Registry: followable(t)})
	aimdb(t, "record", "watch", "attic.co2", "--from", "1h", "--connect", socket).fails(t, exitFailed, "no history or no log")
	aimdb(t, "record", "watch", "attic.co2", "--from", "soon", "--connect", socket).fails(t, exitUsage, "RFC 3339")
}
