package natsd

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

// RawPublisher is a connection into the embedded server that only publishes. The
// client library builds a map of headers for every message and copies it twice,
// which is a third of the cost of the whole path at a hundred thousand messages a
// second. Here a batch is laid out in one buffer, in the text form of the NATS
// client protocol (HPUB), and written at once. Replies go to inboxes of an ordinary
// connection. It is for one goroutine.
type RawPublisher struct {
	// Timeout bounds a connect, a write, and the wait for the end of the previous
	// connection.
	Timeout time.Duration

	server *Server
	conn   net.Conn
	buf    []byte
	// peer is the server's end of the connection, previous that of the one
	// before.
	peer, previous peer

	writing sync.Mutex // held for writes to conn: the reader answers pings
	done    chan struct{}
}

const (
	publishTimeout = 10 * time.Second
	// maxIdleBuffer is the largest buffer in bytes that is kept between flushes.
	maxIdleBuffer = 8 << 20
)

// Publisher returns a publisher. It connects on its first Flush.
func (s *Server) Publisher() *RawPublisher { return &RawPublisher{server: s, Timeout: publishTimeout} }

// peer is the server's end of a connection.
type peer struct {
	server *server.Server
	id     uint64
}

// ended reports whether the server has closed the connection, which it does after
// it has handled all it had read from it.
func (p peer) ended() bool { return p.server == nil || p.server.GetClient(p.id) == nil }

// awaitDrained waits until the server has handled everything from the previous
// connection, so that old and new messages cannot interleave.
func (p *RawPublisher) awaitDrained() error {
	ticker := time.NewTicker(time.Millisecond)
	defer ticker.Stop()
	for deadline := time.Now().Add(p.Timeout); !p.previous.ended(); <-ticker.C {
		if time.Now().After(deadline) {
			return fmt.Errorf("natsd: connect to the log: the server has not closed the previous connection within %v", p.Timeout)
		}
	}
	p.previous = peer{}
	return nil
}

// open connects if there is no connection.
func (p *RawPublisher) open() error {
	if p.conn != nil {
		select {
		case <-p.done:
			p.Close()
		default:
			return nil
		}
	}
	if err := p.awaitDrained(); err != nil {
		return err
	}
	s := p.server.server()
	conn, err := s.InProcessConn()
	if err != nil {
		return fmt.Errorf("natsd: connect to the log: %w", err)
	}
	r := bufio.NewReaderSize(conn, 4096)
	id, err := p.greet(conn, r)
	if err != nil {
		_ = conn.Close() // the first error is the cause
		return err
	}
	p.conn, p.peer, p.done = conn, peer{s, id}, make(chan struct{})
	go p.read(conn, r, p.done)
	return nil
}

// greet opens the client protocol: INFO from the server, CONNECT and PING from the
// client, PONG from the server. It returns the ID of the connection.
func (p *RawPublisher) greet(conn net.Conn, r *bufio.Reader) (id uint64, err error) {
	if err := conn.SetDeadline(time.Now().Add(p.Timeout)); err != nil {
		return 0, fmt.Errorf("natsd: connect to the log: %w", err)
	}
	line, err := r.ReadString('\n')
	if err != nil {
		return 0, fmt.Errorf("natsd: connect to the log: read the server's INFO: %w", err)
	}
	var info struct {
		ID uint64 `json:"client_id"`
	}
	if err := json.Unmarshal([]byte(strings.TrimPrefix(line, "INFO ")), &info); err != nil {
		return 0, fmt.Errorf("natsd: connect to the log: decode the server's INFO %q: %w", strings.TrimSpace(line), err)
	}
	options, err := json.Marshal(map[string]any{
		"user": insideUser, "pass": p.server.auth.secret, "name": "aimdb publish", "lang": "go",
		"version": "1", "verbose": false, "pedantic": false, "headers": true, "no_responders": false, "protocol": 1,
	})
	if err != nil {
		return 0, fmt.Errorf("natsd: connect to the log: %w", err)
	}
	if _, err := fmt.Fprintf(conn, "CONNECT %s\r\nPING\r\n", options); err != nil {
		return 0, fmt.Errorf("natsd: connect to the log: %w", err)
	}
	for !strings.HasPrefix(line, "PONG") {
		if line, err = r.ReadString('\n'); err != nil {
			return 0, fmt.Errorf("natsd: connect to the log: wait for the server's PONG: %w", err)
		}
		if strings.HasPrefix(line, "-ERR") {
			return 0, fmt.Errorf("natsd: connect to the log: the server answers %q", strings.TrimSpace(line))
		}
	}
	return info.ID, conn.SetDeadline(time.Time{})
}

// read answers the server's pings until the connection ends.
func (p *RawPublisher) read(conn net.Conn, r *bufio.Reader, done chan struct{}) {
	defer close(done)
	for {
		line, err := r.ReadSlice('\n')
		if err != nil {
			_ = conn.Close() // the connection has ended anyway
			return
		}
		switch {
		case bytes.HasPrefix(line, []byte("PING")):
			p.writing.Lock()
			_, err = conn.Write([]byte("PONG\r\n"))
			p.writing.Unlock()
		case bytes.HasPrefix(line, []byte("-ERR")):
			p.server.config.Logger.Error("natsd: the server refused a message of the log's publisher", "error", string(bytes.TrimSpace(line)))
		}
		if err != nil {
			return
		}
	}
}

// Add buffers a message. Each header line ends in CR LF.
func (p *RawPublisher) Add(subject string, reply []byte, headers []byte, value []byte) {
	p.add("NATS/1.0\r\n", subject, reply, headers, value)
}

// AddStatus buffers a message of a status, such as "404 Message Not Found".
func (p *RawPublisher) AddStatus(subject, status string) {
	line := strings.NewReplacer("\r", " ", "\n", " ").Replace(status)
	p.add("NATS/1.0 "+line+"\r\n", subject, nil, nil, nil)
}

func (p *RawPublisher) add(version, subject string, reply []byte, headers []byte, value []byte) {
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
	b = append(b, "\r\n"...)
	b = append(b, version...)
	b = append(b, headers...)
	b = append(b, "\r\n"...)
	b = append(b, value...)
	p.buf = append(b, "\r\n"...)
}

// Flush writes the buffer. After an error it is not known which messages have
// arrived.
func (p *RawPublisher) Flush() error {
	buf := p.buf
	p.buf = p.buf[:0]
	if cap(p.buf) > maxIdleBuffer {
		p.buf = nil
	}
	if err := p.open(); err != nil {
		return err
	}
	p.writing.Lock()
	defer p.writing.Unlock()
	if err := p.conn.SetWriteDeadline(time.Now().Add(p.Timeout)); err != nil {
		return fmt.Errorf("natsd: write to the log's server: %w", err)
	}
	if _, err := p.conn.Write(buf); err != nil {
		_ = p.conn.Close() // a part of a message may have been written
		return fmt.Errorf("natsd: write to the log's server: %w", err)
	}
	return nil
}

// Close ends the connection and waits for its reader. The next Flush opens
// another.
func (p *RawPublisher) Close() {
	if p.conn == nil {
		return
	}
	_ = p.conn.Close() // nothing is buffered in it
	<-p.done
	p.conn, p.previous = nil, p.peer
}
