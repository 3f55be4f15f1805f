package wire

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"strings"
	"testing"
	"time"
)

// over returns a Conn that receives the input in pieces of a size, and then its end.
func over(t *testing.T, input []byte, piece, limit int) Conn {
	t.Helper()
	near, far := net.Pipe()
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for len(input) > 0 {
			n, err := far.Write(input[:min(piece, len(input))])
			if err != nil {
				return
			}
			input = input[n:]
		}
		_ = far.Close()
	}()
	t.Cleanup(func() { _ = near.Close(); _ = far.Close(); <-ended })
	return NewLengthConn(near, limit, time.Minute)
}

func prefixed(frames ...string) (all []byte) {
	for _, f := range frames {
		all = append(binary.BigEndian.AppendUint32(all, uint32(len(f))), f...)
	}
	return all
}

func TestLengthFrames(t *testing.T) {
	long := strings.Repeat("x", LengthFrameBytes)
	for name, c := range map[string]struct {
		input []byte
		want  []string
		end   error
	}{
		"nothing":              {end: io.EOF},
		"frames":               {input: prefixed("a", "", "\n", long, "b"), want: []string{"a", "", "\n", long, "b"}, end: io.EOF},
		"half a length":        {input: append(prefixed("a"), 0, 0, 0), want: []string{"a"}, end: io.ErrUnexpectedEOF},
		"a length and no more": {input: []byte{0, 0, 0, 1}, end: io.ErrUnexpectedEOF},
		"half a frame":         {input: prefixed(long)[:LengthFrameBytes/2], end: io.ErrUnexpectedEOF},
		"a byte too long":      {input: prefixed("a", long+"x"), want: []string{"a"}, end: errFrameTooLong},
		"the greatest length":  {input: []byte{255, 255, 255, 255, 1}, end: errFrameTooLong},
		"lines":                {input: []byte(`{"t":"ping"}` + "\n"), end: errFrameTooLong},
	} {
		for _, piece := range []int{1, 7, 1 << 20} {
			conn := over(t, c.input, piece, LengthFrameBytes)
			for i, want := range c.want {
				if got, err := conn.Receive(); err != nil || string(got) != want {
					t.Fatalf("%s, in pieces of %d: frame %d is %.20q, %v", name, piece, i, got, err)
				}
			}
			if got, err := conn.Receive(); !errors.Is(err, c.end) {
				t.Errorf("%s, in pieces of %d: got %.20q, %v, want %v", name, piece, got, err, c.end)
			}
		}
	}
}

// A length alone costs no memory.
func TestLengthCostsNoMemory(t *testing.T) {
	c := over(t, append([]byte{63, 255, 255, 255}, "few bytes"...), 64, 1<<30).(*lengthConn)
	if _, err := c.Receive(); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Error(err)
	}
	if n := cap(c.frame); n > 1<<16 {
		t.Errorf("%d bytes are kept for 9", n)
	}
}

func TestLengthConnSendsOneWrite(t *testing.T) {
	near, far := net.Pipe()
	sent := make(chan error, 1)
	go func() { sent <- NewLengthConn(near, 1<<16, time.Minute).Send([]byte(`{"t":"pong"}`)) }()
	b := make([]byte, 64)
	n, err := far.Read(b) // of a pipe: what one write wrote
	if want := prefixed(`{"t":"pong"}`); err != nil || !bytes.Equal(b[:n], want) {
		t.Errorf("got %q, %v", b[:n], err)
	}
	if err := errors.Join(<-sent, near.Close(), far.Close()); err != nil {
		t.Error(err)
	}
}

// FuzzLengthFrames compares the frames of any input with those of a plain reading.
func FuzzLengthFrames(f *testing.F) {
	const limit = 1 << 10
	f.Add(prefixed(`{"t":"ping"}`, "", "x"), 3)
	f.Add([]byte{0, 0, 4, 1, 'a'}, 1)
	f.Add([]byte{0, 0, 0}, 9)
	f.Add([]byte{255, 255, 255, 255}, 4)
	f.Add(append(prefixed("a"), 0, 0, 0, 9, 'b'), 2)
	f.Fuzz(func(t *testing.T, input []byte, piece int) {
		piece = max(1, piece%len(append(input, 0)))
		conn := over(t, bytes.Clone(input), piece, limit)
		for {
			want, rest, end := cutLength(input, limit)
			got, err := conn.Receive()
			if !errors.Is(err, end) || !bytes.Equal(got, want) {
				t.Fatalf("got %q, %v, want %q, %v", got, err, want, end)
			}
			if err != nil {
				return
			}
			input = rest
		}
	})
}

// cutLength returns the first frame of an input, or how it ends.
func cutLength(input []byte, limit int) (frame, rest []byte, end error) {
	if len(input) == 0 {
		return nil, nil, io.EOF
	}
	if len(input) < 4 {
		return nil, nil, io.ErrUnexpectedEOF
	}
	length := int(binary.BigEndian.Uint32(input))
	switch input = input[4:]; {
	case length > limit:
		return nil, nil, errFrameTooLong
	case len(input) < length:
		return nil, nil, io.ErrUnexpectedEOF
	}
	return input[:length], input[length:], nil
}
