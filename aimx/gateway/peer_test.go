package gateway_test

import (
	"bufio"
	"context"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"
)

// peer sends and receives raw frames, for tests of exact bytes.
type peer interface {
	send(t *testing.T, frame string)
	next(t *testing.T) string
	read() (string, error)
}

type linePeer struct {
	conn net.Conn
	in   *bufio.Reader
}

func (h *fixture) linePeer(t *testing.T) *linePeer {
	t.Helper()
	conn, err := net.Dial("unix", h.socket)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() }) // a test may have closed it
	return &linePeer{conn: conn, in: bufio.NewReader(conn)}
}

func (p *linePeer) send(t *testing.T, frame string) {
	t.Helper()
	if _, err := p.conn.Write([]byte(frame + "\n")); err != nil {
		t.Fatal(err)
	}
}

func (p *linePeer) next(t *testing.T) string {
	t.Helper()
	line, err := p.read()
	if err != nil {
		t.Fatalf("nothing came: %v", err)
	}
	return line
}

func (p *linePeer) read() (string, error) {
	if err := p.conn.SetReadDeadline(time.Now().Add(timeout)); err != nil {
		return "", err
	}
	line, err := p.in.ReadString('\n')
	return strings.TrimSuffix(line, "\n"), err
}

// lengthPeer is a peer over TCP.
type lengthPeer struct{ linePeer }

func (h *fixture) lengthPeer(t *testing.T) *lengthPeer {
	t.Helper()
	conn, err := net.Dial("tcp", h.tcp)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() }) // a test may have closed it
	return &lengthPeer{linePeer{conn: conn, in: bufio.NewReader(conn)}}
}

func (p *lengthPeer) send(t *testing.T, frame string) {
	t.Helper()
	if _, err := p.conn.Write(append(binary.BigEndian.AppendUint32(nil, uint32(len(frame))), frame...)); err != nil {
		t.Fatal(err)
	}
}

func (p *lengthPeer) next(t *testing.T) string {
	t.Helper()
	frame, err := p.read()
	if err != nil {
		t.Fatalf("nothing came: %v", err)
	}
	return frame
}

func (p *lengthPeer) read() (string, error) {
	if err := p.conn.SetReadDeadline(time.Now().Add(timeout)); err != nil {
		return "", err
	}
	var length [4]byte
	if _, err := io.ReadFull(p.in, length[:]); err != nil {
		return "", err
	}
	frame := make([]byte, binary.BigEndian.Uint32(length[:]))
	_, err := io.ReadFull(p.in, frame)
	return string(frame), err
}

// peers returns a peer of each transport by its name.
func (h *fixture) peers(t *testing.T) map[string]peer {
	t.Helper()
	all := map[string]peer{}
	for _, transport := range []string{"unix", "tcp", "websocket"} {
		all[transport] = h.peer(t, transport)
	}
	return all
}

// peer returns a peer of a transport.
func (h *fixture) peer(t *testing.T, transport string) peer {
	t.Helper()
	switch transport {
	case "unix":
		return h.linePeer(t)
	case "tcp":
		return h.lengthPeer(t)
	}
	return h.webPeer(t)
}

type webPeer struct{ socket *websocket.Conn }

func (h *fixture) webPeer(t *testing.T) *webPeer {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), timeout)
	defer cancel()
	socket, _, err := websocket.Dial(ctx, h.webSocket()+"?v=3.0", nil)
	if err != nil {
		t.Fatal(err)
	}
	socket.SetReadLimit(-1)
	t.Cleanup(func() { _ = socket.CloseNow() })
	return &webPeer{socket}
}

func (p *webPeer) send(t *testing.T, frame string) {
	t.Helper()
	if err := p.socket.Write(t.Context(), websocket.MessageText, []byte(frame)); err != nil {
		t.Fatal(err)
	}
}

func (p *webPeer) next(t *testing.T) string {
	t.Helper()
	message, err := p.read()
	if err != nil {
		t.Fatalf("nothing came: %v", err)
	}
	return message
}

func (p *webPeer) read() (string, error) {
	ctx, cancel := context.WithTimeout(context.Background(), timeout)
	defer cancel()
	kind, message, err := p.socket.Read(ctx)
	if err == nil && kind != websocket.MessageText {
		err = errors.New("browsers ignore binary messages")
	}
	return string(message), err
}
