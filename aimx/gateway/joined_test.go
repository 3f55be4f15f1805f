package gateway_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"

	"github.com/aimdb-go/aimdb/aimx/gateway"
)

// gated is one end of a connection whose writes wait to be let through.
type gated struct {
	net.Conn
	writes chan []byte
	gate   chan struct{}
}

func (g *gated) Write(b []byte) (int, error) {
	g.writes <- bytes.Clone(b)
	<-g.gate
	return g.Conn.Write(b)
}

// oneConn is a listener with one connection.
type oneConn struct {
	net.Listener
	conns chan net.Conn
}

func (l *oneConn) Accept() (net.Conn, error) {
	if c, ok := <-l.conns; ok {
		return c, nil
	}
	return nil, net.ErrClosed
}

func (l *oneConn) Close() error {
	close(l.conns)
	return l.Listener.Close()
}

// gatedPeer is a client of a server whose writes it sees and lets through.
type gatedPeer struct {
	net.Conn
	writes chan []byte
	gate   chan struct{}
}

// gatedPeer returns a client of a server that serves one connection with serve.
func (h *fixture) gatedPeer(t *testing.T, serve func(*gateway.Server, context.Context, net.Listener) error) *gatedPeer {
	t.Helper()
	inner, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	near, far := net.Pipe()
	p := &gatedPeer{near, make(chan []byte, 8), make(chan struct{}, 8)}
	l := &oneConn{inner, make(chan net.Conn, 1)}
	l.conns <- &gated{far, p.writes, p.gate}
	s := gateway.New(gateway.Config{Registry: h.registry, Limits: gateway.Limits{FrameBytes: 4096}})
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- serve(s, ctx, l) }()
	t.Cleanup(func() {
		closing(t, near)
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
		closing(t, s)
	})
	return p
}

// expect lets one write through, which has a number of frames.
func (p *gatedPeer) expect(t *testing.T, frames int) []byte {
	t.Helper()
	b := <-p.writes
	if n := bytes.Count(b, []byte(`"t":`)); n != frames {
		t.Errorf("one write has %d frames, want %d: %q", n, frames, b)
	}
	p.gate <- struct{}{}
	if _, err := io.ReadFull(p, make([]byte, len(b))); err != nil {
		t.Fatal(err)
	}
	return b
}

// framings are how frames go over a stream.
var framings = map[string]struct {
	serve func(*gateway.Server, context.Context, net.Listener) error
	frame func(string) string
}{
	"unix": {(*gateway.Server).Serve, func(s string) string { return s + "\n" }},
	"tcp": {(*gateway.Server).ServeTCP, func(s string) string {
		return string(binary.BigEndian.AppendUint32(nil, uint32(len(s)))) + s
	}},
}

// TestWaitingEventsGoOutInOneWrite: what is produced during a write follows in the next one.
func TestWaitingEventsGoOutInOneWrite(t *testing.T) {
	for name, framing := range framings {
		t.Run(name, func(t *testing.T) {
			h := open(t)
			p := h.gatedPeer(t, framing.serve)
			if _, err := io.WriteString(p, framing.frame(`{"t":"sub","id":1,"topic":"attic.co2"}`)+framing.frame(`{"t":"ping"}`)); err != nil {
				t.Fatal(err)
			}
			p.expect(t, 1) // the answer to the ping
			h.co2.Produce(reading{PPM: 1})
			first := <-p.writes
			for n := 2; n <= 6; n++ {
				h.co2.Produce(reading{PPM: n})
			}
			p.writes <- first
			p.expect(t, 1)
			p.expect(t, 5)
		})
	}
}

// TestRepliesOfABurstGoOutInOneWrite: those to requests that have come together do, in their
// order, up to 16 KiB and before a frame that ends the connection.
func TestRepliesOfABurstGoOutInOneWrite(t *testing.T) {
	for name, framing := range framings {
		t.Run(name, func(t *testing.T) {
			h := open(t)
			h.co2.Produce(reading{PPM: 1, Note: strings.Repeat("x", 6<<10)})
			p := h.gatedPeer(t, framing.serve)
			send := func(frames ...string) {
				t.Helper()
				var all strings.Builder
				for _, f := range frames {
					all.WriteString(framing.frame(f))
				}
				if _, err := io.WriteString(p, all.String()); err != nil {
					t.Fatal(err)
				}
			}
			const ping, unsub = `{"t":"ping"}`, `{"t":"unsub","sub":"9"}`
			get := func(id int, name string) string {
				return fmt.Sprintf(`{"t":"req","id":%d,"method":"record.get","params":{"name":%q}}`, id, name)
			}
			send(ping)
			p.expect(t, 1)
			send(get(1, "no.such"), ping, get(2, "no.such"), ping, unsub)
			b := p.expect(t, 4)
			if one, two := bytes.Index(b, []byte(`"id":1,`)), bytes.Index(b, []byte(`"id":2,`)); one < 0 || two < one {
				t.Errorf("the replies are not in order: %q", b)
			}
			send(get(1, "attic.co2"), get(2, "attic.co2"), get(3, "attic.co2"), get(4, "attic.co2"))
			p.expect(t, 3) // 18 KiB
			p.expect(t, 1)
			send(ping, ping, `{"t":"req","id":3,"method":"`+strings.Repeat("x", 5000)+`"}`)
			p.expect(t, 3)
		})
	}
}
