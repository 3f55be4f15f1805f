package wire

import (
	"io"
	"net"
	"testing"
	"time"
)

// Ready reports a whole frame, and not a part of one.
func TestReady(t *testing.T) {
	for name, c := range map[string]struct {
		conn  func(net.Conn, int, time.Duration) Conn
		input []string // each arrives at once, and begins with a frame
		want  []bool   // after each frame
	}{
		"lines":   {NewLineConn, []string{"a\nb\n\nc\n", "d\ne", "f\n"}, []bool{true, true, true, false, false, false}},
		"lengths": {NewLengthConn, []string{"\x00\x00\x00\x01a\x00\x00\x00\x00\x00\x00\x00\x02bc", "\x00\x00\x00\x01d\x00\x00\x00\x02e", "f", "\x00\x00\x00\x01g\x00\x00\x00"}, []bool{true, true, false, false, false, false}},
	} {
		t.Run(name, func(t *testing.T) {
			near, far := net.Pipe()
			sent := make(chan error, 1)
			go func() {
				var err error
				for _, s := range c.input {
					if _, err = io.WriteString(far, s); err != nil {
						break
					}
				}
				sent <- err
			}()
			conn := c.conn(near, 1<<16, time.Minute).(Joiner)
			for i, want := range c.want {
				if _, err := conn.Receive(); err != nil {
					t.Fatal(err)
				}
				if got := conn.Ready(); got != want {
					t.Errorf("after frame %d: %v, want %v", i, got, want)
				}
			}
			if err := <-sent; err != nil {
				t.Error(err)
			}
			_, _ = near.Close(), far.Close()
		})
	}
}
