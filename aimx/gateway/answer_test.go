package gateway

import (
	"encoding/json"
	"testing"
)

func TestNullResultIsNotFound(t *testing.T) {
	for _, null := range []string{"", "null"} {
		c := &kept{}
		s := &session{conn: c, ctx: t.Context()}
		s.answer(&s.out, 3, json.RawMessage(null), nil)
		if want := `{"t":"reply","id":3,"err":"not_found","msg":"the value is null"}`; string(c.frame) != want {
			t.Errorf("sent %s", c.frame)
		}
	}
}

// kept is a connection that keeps the last frame.
type kept struct{ frame []byte }

func (k *kept) Receive() ([]byte, error) { return nil, nil }
func (k *kept) Send(frame []byte) error  { k.frame = frame; return nil }
func (k *kept) Close() error             { return nil }
