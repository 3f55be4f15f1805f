package natsconn

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/nats-io/nats.go"

	"github.com/aimdb-go/aimdb/aimx"
	"github.com/aimdb-go/aimdb/aimx/internal/rpc"
	"github.com/aimdb-go/aimdb/aimx/internal/wire"
)

// setLogged publishes the value of a record.set with logged. It is sent before Send
// returns, so that the values of a client stay in order.
func (c *conn) setLogged(f wire.Frame) {
	subject, answer, err := c.publishValue(f.Params)
	if err != nil {
		c.start(func() { c.refuse(f.ID, err) }) // the client may be sending only
		return
	}
	c.start(func() {
		defer c.forget(answer.reply)
		ctx, cancel := context.WithTimeoutCause(c.ctx, answerTimeout, fmt.Errorf("no answer within %v", answerTimeout))
		defer cancel()
		result, err := c.await(ctx, subject, answer.message)
		var said wire.SetAnswer
		if err == nil {
			err = json.Unmarshal(result, &said)
		}
		said.Status = "success"
		if err == nil {
			result, err = json.Marshal(said)
		}
		if err != nil {
			c.refuse(f.ID, err)
			return
		}
		c.push((&wire.FrameWriter{}).Reply(f.ID, result))
	})
}

// expected is the answer to a value, and its subject.
type expected struct {
	reply   string
	message chan *nats.Msg
}

func (c *conn) publishValue(params []byte) (subject string, answer expected, err error) {
	name := c.decoder.Member(params, "name")
	if !wire.IsString(name) {
		return "", answer, refused(aimx.CodeInternal, "record.set needs the name of a record")
	}
	tokens, err := rpc.Tokens(string(wire.Unquote(name)))
	if err != nil || tokens == "" {
		return "", answer, refused(aimx.CodeDenied, "the name %s is not the key of one record", name)
	}
	subject = rpc.SetPrefix(c.database) + tokens[1:]
	answer.message = make(chan *nats.Msg, 1)
	answer.reply = c.expect(answer.message)
	value := append([]byte(nil), c.decoder.Member(params, "value")...)
	if err = c.nc.PublishMsg(&nats.Msg{Subject: subject, Reply: answer.reply, Data: value}); err != nil {
		c.forget(answer.reply)
		return "", answer, fmt.Errorf("send the value: %w", err)
	}
	return subject, answer, nil
}
