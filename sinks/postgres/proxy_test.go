package postgres_test

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aimdb-go/aimdb/history"
	"github.com/aimdb-go/aimdb/sinks"
	"github.com/aimdb-go/aimdb/sinks/postgres"
	"github.com/aimdb-go/aimdb/sinks/sinktest"
)

// proxy passes connections to the server. It knows when a COMMIT passes.
type proxy struct {
	listener net.Listener
	// cut makes the next COMMIT the last thing that passes on its connection.
	cut atomic.Bool
	// hold is how long that COMMIT waits in the proxy after the client was cut.
	hold time.Duration
	// answered says that the client is cut when the server has answered.
	answered bool
	cuts     atomic.Int64
	running  sync.WaitGroup
}

func newProxy(t *testing.T, hold time.Duration, answered bool) *proxy {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &proxy{listener: l, hold: hold, answered: answered}
	p.running.Go(func() {
		for {
			client, err := l.Accept()
			if err != nil {
				return
			}
			p.running.Go(func() { p.serve(client) })
		}
	})
	return p
}

// close ends the proxy after its clients have left.
func (p *proxy) close(t *testing.T) {
	t.Helper()
	if err := p.listener.Close(); err != nil {
		t.Error(err)
	}
	p.running.Wait()
}

// dsn leads through the proxy.
func (p *proxy) dsn(dsn string) string {
	return strings.Replace(dsn, fmt.Sprint(server.Port()), fmt.Sprint(p.listener.Addr().(*net.TCPAddr).Port), 1)
}

func (p *proxy) serve(client net.Conn) {
	defer client.Close()
	upstream, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", server.Port()))
	if err != nil {
		return
	}
	defer upstream.Close()
	var silent atomic.Bool // no more answers pass
	answer := make(chan struct{})
	p.running.Go(func() {
		defer client.Close()
		buffer := make([]byte, 64<<10)
		for {
			n, err := upstream.Read(buffer)
			if silent.Load() {
				close(answer)
				return
			}
			if _, failed := client.Write(buffer[:n]); err != nil || failed != nil {
				return
			}
		}
	})
	p.forward(client, upstream, &silent, answer)
}

// forward passes the messages of a client, until it ends or is cut.
func (p *proxy) forward(client, upstream net.Conn, silent *atomic.Bool, answer <-chan struct{}) {
	var statement string // the name of the prepared COMMIT
	var pending []byte   // COMMIT, and what follows it up to the end of the batch
	for first := true; ; first = false {
		kind, message, err := readMessage(client, first)
		if err != nil {
			return
		}
		name, query := field(message, 5)
		if text, _ := field(message, query); kind == 'P' && text == "COMMIT" {
			statement = name
		} else if commits := kind == 'B' && statement != "" && text == statement; commits || pending != nil {
			pending = append(pending, message...)
			message = nil
		}
		last := false
		if kind == 'S' && pending != nil {
			message, pending = pending, nil
			last = p.cut.CompareAndSwap(true, false)
		}
		if last {
			silent.Store(true)
			if !p.answered {
				_ = client.Close() // it is over
			}
			time.Sleep(p.hold) // how long the message travels
		}
		if _, err := upstream.Write(message); err != nil {
			return
		}
		if last {
			p.cuts.Add(1)
			<-answer
			return
		}
	}
}

// readMessage reads one message with its type and length. The first one has no type.
func readMessage(r io.Reader, first bool) (kind byte, message []byte, err error) {
	head := make([]byte, 5)
	if first {
		head = head[:4]
	}
	if _, err := io.ReadFull(r, head); err != nil {
		return 0, nil, err
	}
	size := binary.BigEndian.Uint32(head[len(head)-4:])
	body := make([]byte, size-4)
	_, err = io.ReadFull(r, body)
	if !first {
		kind = head[0]
	}
	return kind, append(head, body...), err
}

// field returns the text at an offset, up to its zero byte, and what follows it.
func field(message []byte, from int) (text string, next int) {
	if from > len(message) {
		return "", from
	}
	end := bytes.IndexByte(message[from:], 0)
	if end < 0 {
		return "", len(message)
	}
	return string(message[from : from+end]), from + end + 1
}

// TestUnclearCommit: the connection is cut after COMMIT was sent and before its answer has
// come. The batch is stored once.
func TestUnclearCommit(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		hold     time.Duration
		answered bool
	}{
		"cut when the server has answered":    {answered: true},
		"cut at once":                         {},
		"cut long before the server reads it": {hold: 300 * time.Millisecond},
	} {
		t.Run(name, func(t *testing.T) {
			dsn := server.Database(t)
			p := newProxy(t, c.hold, c.answered)
			f := newFlow(t, dsn, sinktest.NewLog("log"), postgres.Config{DSN: p.dsn(dsn)})
			stop := f.load()
			defer stop()
			for n := int64(1); n <= 5; n++ {
				f.await(t, 100)
				p.cut.Store(true)
				for deadline := time.Now().Add(patience); p.cuts.Load() < n; time.Sleep(time.Millisecond) {
					if time.Now().After(deadline) {
						t.Fatal("no COMMIT passed the proxy")
					}
				}
			}
			f.await(t, 100)
			stop()
			f.exactlyOnce(t)
			p.close(t)
		})
	}
}

// TestCheckpointAfterUnclearCommit: a checkpoint that is read while the server has not even
// read the COMMIT is that of the commit.
func TestCheckpointAfterUnclearCommit(t *testing.T) {
	t.Parallel()
	dsn := server.Database(t)
	p := newProxy(t, 500*time.Millisecond, false)
	s, stop := start(t, postgres.Config{DSN: p.dsn(dsn), Logger: quiet()})
	waitActive(t, s)
	appendTo(t, s, 1)
	p.cut.Store(true)
	b := &sinks.Batch{Previous: history.Position{Log: "log", Sequence: 1}, Checkpoint: history.Position{Log: "log", Sequence: 2}}
	if err := s.Write(t.Context(), b); err == nil {
		t.Error("a write whose connection was cut succeeds")
	}
	if at, err := s.Checkpoint(t.Context()); err != nil || at != b.Checkpoint {
		t.Errorf("the checkpoint is %v (%v), want that of the commit", at, err)
	}
	stop()
	p.close(t)
}
