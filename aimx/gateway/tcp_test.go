package gateway_test

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"syscall"
	"testing"

	"github.com/aimdb-go/aimdb/aimx/gateway"
	"github.com/aimdb-go/aimdb/history"
)

// Input that is no frame ends the connection without a word, and other connections do
// not notice. An empty frame is skipped.
func TestBrokenLengths(t *testing.T) {
	h := open(t, func(c *gateway.Config) { c.Limits.FrameBytes = 100_000 })
	other := h.lengthPeer(t)
	for name, input := range map[string][]byte{
		"half a length":   {0, 0},
		"a length alone":  {0, 0, 0, 9},
		"half a frame":    append([]byte{0, 0, 0, 99}, `{"t":"ping"}`...),
		"too long by one": binary.BigEndian.AppendUint32(nil, 100_001),
		"the greatest":    {255, 255, 255, 255},
		"lines":           []byte(`{"t":"ping"}` + "\n"),
		"a hello of TLS":  {0x16, 3, 1, 2, 0, 1},
		"HTTP":            []byte("GET /ws HTTP/1.1\r\n\r\n"),
	} {
		p := h.lengthPeer(t)
		p.send(t, "")
		barrier(t, p)
		if _, err := p.conn.Write(input); err != nil {
			t.Fatal(err)
		}
		_ = p.conn.(*net.TCPConn).CloseWrite() // the server may have closed it already
		if frame, err := p.read(); !errors.Is(err, io.EOF) && !errors.Is(err, syscall.ECONNRESET) {
			t.Errorf("%s: got %q, %v", name, frame, err)
		}
	}
	barrier(t, other)
}

// A client of upstream takes 65,536 bytes in a frame. A longer answer is refused, a
// longer value is a gap, and a client that says so takes more.
func TestLongFramesOverTCP(t *testing.T) {
	h := open(t)
	long := strings.Repeat("x", 70_000)
	p := h.lengthPeer(t)
	p.send(t, `{"t":"sub","id":1,"topic":"attic.co2"}`)
	barrier(t, p)
	h.co2.Produce(reading{PPM: 1})
	expect(t, p, `{"t":"event","seq":1,"sub":"1","data":{"ppm":1}}`)
	h.co2.Produce(reading{PPM: 2, Note: long})
	h.co2.Produce(reading{PPM: 3})
	expect(t, p, `{"t":"event","seq":3,"sub":"1","data":{"ppm":3}}`)
	h.door.Produce(reading{PPM: 2, Note: long})
	get := `{"t":"req","id":2,"method":"record.get","params":{"name":"attic.door"}}`
	p.send(t, get)
	if got := p.next(t); !strings.HasPrefix(got, `{"t":"reply","id":2,"err":"internal","msg":"the answer has 70`) {
		t.Errorf("got %.200s", got)
	}
	exact := 65_536 - len(`{"t":"reply","id":2,"ok":{"ppm":2,"note":""}}`)
	h.door.Produce(reading{PPM: 2, Note: long[:exact]})
	p.send(t, get)
	if got := p.next(t); len(got) != 65_536 {
		t.Errorf("the longest answer has %d bytes", len(got))
	}
	h.door.Produce(reading{PPM: 2, Note: long})
	c := dial(t, "tcp://"+h.tcp)
	if value, err := c.Get(soon(t), "attic.door"); err != nil || len(value) < 70_000 {
		t.Errorf("%d bytes, %v", len(value), err)
	}
}

// Answers that can be shorter are: nothing that a drain takes is lost.
func TestAnswersFitIntoFramesOverTCP(t *testing.T) {
	h := open(t)
	note := strings.Repeat("x", 25_000)
	p := h.lengthPeer(t)
	drain := `{"t":"req","id":1,"method":"record.drain","params":{"name":"attic.co2"}}`
	exchange(t, p, drain, `{"t":"reply","id":1,"ok":{"record_name":"attic.co2","values":[],"count":0}}`)
	for n := range 5 {
		h.co2.Produce(reading{PPM: n, Note: note})
	}
	next := 0
	for _, want := range []int{2, 2, 1, 0} {
		p.send(t, drain)
		var answer struct {
			OK struct{ Values []reading }
		}
		if err := json.Unmarshal([]byte(p.next(t)), &answer); err != nil || len(answer.OK.Values) != want {
			t.Fatalf("%d values, want %d: %v", len(answer.OK.Values), want, err)
		}
		for _, v := range answer.OK.Values {
			if v.PPM != next {
				t.Errorf("value %d, want %d", v.PPM, next)
			}
			next++
		}
	}
	for id := range 5 {
		h.history.rows = append(h.history.rows, history.Row{ID: int64(id + 1), Record: "attic.co2", Time: int64(id), Value: fmt.Appendf(nil, "%q", note)})
	}
	p.send(t, `{"t":"req","id":2,"method":"history.page"}`)
	if page := p.next(t); strings.Count(page, `"record":`) != 2 || strings.Contains(page, `"next":""`) {
		t.Errorf("the page has %d rows in %d bytes", strings.Count(page, `"record":`), len(page))
	}
}

// A client that half-closes its side still gets the answers to what it sent.
func TestHalfCloseOverTCP(t *testing.T) {
	h := open(t)
	p := h.lengthPeer(t)
	p.send(t, `{"t":"ping"}`)
	if err := p.conn.(*net.TCPConn).CloseWrite(); err != nil {
		t.Fatal(err)
	}
	expect(t, p, `{"t":"pong"}`)
	if _, err := p.read(); !errors.Is(err, io.EOF) {
		t.Errorf("got %v", err)
	}
}
