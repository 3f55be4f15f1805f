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

	writing sync.Mutex // the reader answers pings beside the publisher
	done    chan struct{}
}

const pipeTimeout = 10 * time.Second

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
	conn, err := p.node.InProcessConn()
	if err != nil {
		return fmt.Errorf("bus: connect to the log: %w", err)
	}
	r := bufio.NewReaderSize(conn, 4096)
	if err := p.hello(conn, r); err != nil {
		_ = conn.Close() // the error that counts is the first
		return err
	}
	p.conn, p.done = conn, make(chan struct{})
	go p.read(conn, r, p.done)
	return nil
}

// hello is the opening of the client protocol: the server says INFO, the
// client CONNECT and PING, the server PONG.
func (p *pipe) hello(conn net.Conn, r *bufio.Reader) error {
	if err := conn.SetDeadline(time.Now().Add(pipeTimeout)); err != nil {
		return fmt.Errorf("bus: connect to the log: %w", err)
	}
	if _, err := r.ReadString('\n'); err != nil {
		return fmt.Errorf("bus: connect to the log: the server did not introduce itself: %w", err)
	}
	options, err := json.Marshal(map[string]any{
		"user": insideUser, "pass": p.node.gate.secret, "name": "aimdb publish", "lang": "go",
		"version": "1", "verbose": false, "pedantic": false, "headers": true, "no_responders": false, "protocol": 1,
	})
	if err != nil {
		return fmt.Errorf("bus: connect to the log: %w", err)
	}
	if _, err := fmt.Fprintf(conn, "CONNECT %s\r\nPING\r\n", options); err != nil {
		return fmt.Errorf("bus: connect to the log: %w", err)
	}
	line := ""
	for !strings.HasPrefix(line, "PONG") {
		if line, err = r.ReadString('\n'); err != nil {
			return fmt.Errorf("bus: connect to the log: wait for the server's answer: %w", err)
		}
		if strings.HasPrefix(line, "-ERR") {
			return fmt.Errorf("bus: connect to the log: the server answers %q", strings.TrimSpace(line))
		}
	}
	return conn.SetDeadline(time.Time{})
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
	if err := p.conn.SetWriteDeadline(time.Now().Add(pipeTimeout)); err != nil {
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
	p.conn = nil
}
