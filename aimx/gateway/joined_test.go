package gateway_test

import (
	"bufio"
	"bytes"
	"context"
	"io"
	"net"
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

// TestWaitingEventsGoOutInOneWrite: what is produced during a write follows in the next one.
func TestWaitingEventsGoOutInOneWrite(t *testing.T) {
	h := open(t)
	inner, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	near, far := net.Pipe()
	g := &gated{Conn: far, writes: make(chan []byte, 8), gate: make(chan struct{}, 8)}
	l := &oneConn{inner, make(chan net.Conn, 1)}
	l.conns <- g
	s := gateway.New(gateway.Config{Registry: h.registry})
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- s.Serve(ctx, l) }()
	defer func() {
		closing(t, near)
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
		closing(t, s)
	}()
	in := bufio.NewReader(near)
	through := func(lines int) {
		t.Helper()
		if b := <-g.writes; bytes.Count(b, []byte("\n")) != lines {
			t.Errorf("one write has %d lines, want %d: %s", bytes.Count(b, []byte("\n")), lines, b)
		}
		g.gate <- struct{}{}
		for range lines {
			if _, err := in.ReadSlice('\n'); err != nil {
				t.Fatal(err)
			}
		}
	}
	if _, err := io.WriteString(near, `{"t":"sub","id":1,"topic":"attic.co2"}`+"\n"+`{"t":"ping"}`+"\n"); err != nil {
		t.Fatal(err)
	}
	through(1) // the answer to the ping
	h.co2.Produce(reading{PPM: 1})
	first := <-g.writes
	for n := 2; n <= 6; n++ {
		h.co2.Produce(reading{PPM: n})
	}
	g.writes <- first
	through(1)
	through(5)
}
