package gateway

import (
	"context"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/aimdb-go/aimdb/access"
	"github.com/aimdb-go/aimdb/aimx/internal/wire"
)

// sentFrames is a connection that keeps what is sent.
type sentFrames struct{ text strings.Builder }

func (*sentFrames) Receive() ([]byte, error) { return nil, io.EOF }
func (c *sentFrames) Close() error           { return nil }
func (c *sentFrames) Send(frame []byte) error {
	c.text.Write(frame)
	return nil
}

// A token that is removed after it was found and before the session holds its grants ends
// the session: who removes it has not seen the session yet.
func TestATokenIsRevokedWhileItIsPresented(t *testing.T) {
	list, err := access.NewList([]access.Token{{Token: "a-secret-that-is-long", Read: []string{"#"}}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	for name, revoke := range map[string]bool{"removed": true, "kept": false} {
		conn := &sentFrames{}
		s := newSession(context.Background(), &Server{}, wire.Conn(conn), transport{})
		s.admitted = false
		g := list.Token("a-secret-that-is-long")
		if revoke {
			if err := list.Replace(nil, nil); err != nil {
				t.Fatal(err)
			}
		}
		s.admit(g)
		ended := errors.Is(context.Cause(s.ctx), errRevoked)
		if ended != revoke || strings.Contains(conn.text.String(), "was removed or changed") != revoke {
			t.Errorf("%s: the session ended with %v and said %q", name, context.Cause(s.ctx), conn.text.String())
		}
		if err := list.Replace([]access.Token{{Token: "a-secret-that-is-long", Read: []string{"#"}}}, nil); err != nil {
			t.Fatal(err)
		}
		s.end(nil)
	}
}
