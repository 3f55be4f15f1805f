package bus

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"net"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/nats-io/nats-server/v2/server"
)

// pipe is a connection into the embedded server that only publishes. The
// client library builds a map of headers for every message and copies it
// twice; at a hundred thousand messages a second that is a third of the whole
// path's cost. Here a batch is laid out in one buffer, in the text form of the
// NATS client protocol (HPUB), and written at once. Answers come to inboxes of
// an ordinary connection.
type pipe struct {
	node *node
	conn net.Conn
	buf  []byte
	// patience bounds a connect, a write, and the wait for the end of the
	// connection before.
	patience time.Duration
	// here is the other end of the connection, former that of the one before.
	here, former far

	writing sync.Mutex // the reader answers pings beside the publisher
	done    chan struct{}
}

const pipeTimeout = 10 * time.Second

func newPipe(n *node) *pipe { return &pipe{node: n, patience: pipeTimeout} }

// far is the server's end of a connection.
type far struct {
	server *server.Server
	id     uint64
}

// ended reports whether the server has let go of the connection, which it does
// once it has dealt with all it had read from it.
func (f far) ended() bool { return f.server == nil || f.server.GetClient(f.id) == nil }

// settle waits until the server has dealt with what it had read from the
// connection before. A connection may be given up because the server did not
// read on; what it had read by then must not come to the log behind what goes
// by the next one, or even in its midst.
func (p *pipe) settle() error {
	ticker := time.NewTicker(time.Millisecond)
	defer ticker.Stop()
	for late := time.Now().Add(p.patience); !p.former.ended(); <-ticker.C {
		if time.Now().After(late) {
			return fmt.Errorf("bus: connect to the log: its server has not let go of the connection before within %v", p.patience)
		}
	}
	p.former = far{}
	return nil
}

// open connects if there is no connection.
func (p *pipe) open() error {
	if p.conn != nil {
		select {
		case <-p.done:
			p.close()
		default:
			return nil
		}
	}
	if err := p.settle(); err != nil {
		return err
	}
	s := p.node.server()
	conn, err := s.InProcessConn()
	if err != nil {
		return fmt.Errorf("bus: connect to the log: %w", err)
	}
	r := bufio.NewReaderSize(conn, 4096)
	id, err := p.hello(conn, r)
	if err != nil {
		_ = conn.Close() // the error that counts is the first
		return err
	}
	p.conn, p.here, p.done = conn, far{s, id}, make(chan struct{})
	go p.read(conn, r, p.done)
	return nil
}

// hello is the opening of the client protocol: the server says INFO, the
// client CONNECT and PING, the server PONG. It returns the number that the
// server has given the connection.
func (p *pipe) hello(conn net.Conn, r *bufio.Reader) (id uint64, err error) {
	if err := conn.SetDeadline(time.Now().Add(p.patience)); err != nil {
		return 0, fmt.Errorf("bus: connect to the log: %w", err)
	}
	line, err := r.ReadString('\n')
	if err != nil {
		return 0, fmt.Errorf("bus: connect to the log: the server did not introduce itself: %w", err)
	}
	var info struct {
		ID uint64 `json:"client_id"`
	}
	if err := json.Unmarshal([]byte(strings.TrimPrefix(line, "INFO ")), &info); err != nil {
		return 0, fmt.Errorf("bus: connect to the log: the server introduces itself with %q: %w", strings.TrimSpace(line), err)
	}
	options, err := json.Marshal(map[string]any{
		"user": insideUser, "pass": p.node.gate.secret, "name": "aimdb publish", "lang": "go",
		"version": "1", "verbose": false, "pedantic": false, "headers": true, "no_responders": false, "protocol": 1,
	})
	if err != nil {
		return 0, fmt.Errorf("bus: connect to the log: %w", err)
	}
	if _, err := fmt.Fprintf(conn, "CONNECT %s\r\nPING\r\n", options); err != nil {
		return 0, fmt.Errorf("bus: connect to the log: %w", err)
	}
	for !strings.HasPrefix(line, "PONG") {
		if line, err = r.ReadString('\n'); err != nil {
			return 0, fmt.Errorf("bus: connect to the log: wait for the server's answer: %w", err)
		}
		if strings.HasPrefix(line, "-ERR") {
			return 0, fmt.Errorf("bus: connect to the log: the server answers %q", strings.TrimSpace(line))
		}
	}
	return info.ID, conn.SetDeadline(time.Time{})
}

// read answers the server's pings until the connection ends.
func (p *pipe) read(conn net.Conn, r *bufio.Reader, done chan struct{}) {
	defer close(done)
	for {
		line, err := r.ReadSlice('\n')
		if err != nil {
			_ = conn.Close() // it is gone either way
			return
		}
		switch {
		case bytes.HasPrefix(line, []byte("PING")):
			p.writing.Lock()
			_, err = conn.Write([]byte("PONG\r\n"))
			p.writing.Unlock()
		case bytes.HasPrefix(line, []byte("-ERR")):
			p.node.config.Logger.Error("bus: the server refuses what the log's connection sent", "error", string(bytes.TrimSpace(line)))
		}
		if err != nil {
			return
		}
	}
}

// add lays out one message. The header lines end in CR LF each.
func (p *pipe) add(subject string, reply []byte, headers []byte, value []byte) {
	const version = "NATS/1.0\r\n"
	size := len(version) + len(headers) + 2
	b := append(p.buf, "HPUB "...)
	b = append(b, subject...)
	b = append(b, ' ')
	if len(reply) > 0 {
		b = append(b, reply...)
		b = append(b, ' ')
	}
	b = strconv.AppendInt(b, int64(size), 10)
	b = append(b, ' ')
	b = strconv.AppendInt(b, int64(size+len(value)), 10)
	b = append(b, "\r\n"+version...)
	b = append(b, headers...)
	b = append(b, "\r\n"...)
	b = append(b, value...)
	p.buf = append(b, "\r\n"...)
}

// flush writes what was added.
func (p *pipe) flush() error {
	buf := p.buf
	p.buf = p.buf[:0]
	if cap(p.buf) > 2*batchBytes {
		p.buf = nil
	}
	if err := p.open(); err != nil {
		return err
	}
	p.writing.Lock()
	defer p.writing.Unlock()
	if err := p.conn.SetWriteDeadline(time.Now().Add(p.patience)); err != nil {
		return fmt.Errorf("bus: write to the log's server: %w", err)
	}
	if _, err := p.conn.Write(buf); err != nil {
		_ = p.conn.Close() // half a message may be in it
		return fmt.Errorf("bus: write to the log's server: %w", err)
	}
	return nil
}

// close ends the connection and waits for its reader.
func (p *pipe) close() {
	if p.conn == nil {
		return
	}
	_ = p.conn.Close() // nothing is held back in it
	<-p.done
	p.conn, p.former = nil, p.here
}
