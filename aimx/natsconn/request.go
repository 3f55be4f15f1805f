package natsconn

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/micro"

	"github.com/aimdb-go/aimdb/aimx"
	"github.com/aimdb-go/aimdb/aimx/internal/rpc"
	"github.com/aimdb-go/aimdb/aimx/internal/wire"
)

const (
	// writeTimeout bounds a write, which holds up all later frames, and tryTimeout a look
	// whether the servers refuse something.
	writeTimeout = 5 * time.Second
	tryTimeout   = 10 * time.Second
	// answerTimeout bounds the wait for an answer, verifyTimeout that of
	// history.verify. Both are more than the service takes.
	answerTimeout = 2 * time.Minute
	verifyTimeout = 35 * time.Minute
	// permissionCheck is after what time without an answer the servers are asked
	// whether they have refused the request.
	permissionCheck = 200 * time.Millisecond
)

// errNobody says that the servers know nobody who takes a request.
var errNobody = errors.New("no database answers over NATS")

// refused returns a refusal. The client adds operation and endpoint.
func refused(code aimx.Code, format string, args ...any) error {
	return &aimx.Refusal{Code: code, Reason: fmt.Sprintf(format, args...)}
}

// call answers a request of the client.
func (c *conn) call(f wire.Frame) {
	method, params := f.Method, append(json.RawMessage(nil), f.Params...)
	c.start(func() {
		result, err := c.callMethod(c.ctx, method, params)
		if err != nil {
			c.refuse(f.ID, err)
			return
		}
		c.push((&wire.FrameWriter{}).Reply(f.ID, result))
	})
}

// callMethod makes a request of a method and its parameters.
func (c *conn) callMethod(ctx context.Context, method string, params json.RawMessage) (json.RawMessage, error) {
	m, known := c.methods[method]
	if !known {
		return nil, refused(aimx.CodeNotFound, "%s is not served over NATS; use another endpoint of the database", method)
	}
	members := map[string]json.RawMessage{}
	if !wire.IsNull(params) {
		if err := json.Unmarshal(params, &members); err != nil {
			return nil, refused(aimx.CodeInternal, "the parameters of %s are not an object: %v", method, err)
		}
	}
	name := "#"
	if raw, given := members[m.Param]; m.Param != "" && given {
		if err := json.Unmarshal(raw, &name); err != nil {
			return nil, refused(aimx.CodeInternal, "the %s %s is not a string", m.Param, raw)
		}
		delete(members, m.Param)
	}
	delete(members, "auth_token") // NATS has its own
	body, err := json.Marshal(members)
	if err != nil {
		return nil, err
	}
	return c.requestRecord(ctx, method, name, body)
}

// requestRecord makes a request about the records that match a key or a pattern.
func (c *conn) requestRecord(ctx context.Context, method, pattern string, body []byte) (json.RawMessage, error) {
	tokens, err := rpc.Tokens(pattern)
	if err != nil {
		return nil, err
	}
	return c.request(ctx, method, tokens, body)
}

// request returns the answer to a request. The error is a Refusal if the service or the
// NATS servers refuse it.
func (c *conn) request(ctx context.Context, method, tokens string, body []byte) (json.RawMessage, error) {
	timeout := answerTimeout
	if method == wire.MethodHistoryVerify {
		timeout = verifyTimeout
	}
	ctx, cancel := context.WithTimeoutCause(ctx, timeout, fmt.Errorf("no answer within %v", timeout))
	defer cancel()
	return c.ask(ctx, rpc.Prefix(c.database)+c.methods[method].Subject()+tokens, body)
}

// ask returns the answer to a request of a subject.
func (c *conn) ask(ctx context.Context, subject string, body []byte) (json.RawMessage, error) {
	answer := make(chan *nats.Msg, 1)
	reply := c.expect(answer)
	defer c.forget(reply)
	if err := c.nc.PublishMsg(&nats.Msg{Subject: subject, Reply: reply, Data: body}); err != nil {
		return nil, fmt.Errorf("send the request: %w", err)
	}
	return c.await(ctx, subject, answer)
}

// await returns an answer to a request of a subject.
func (c *conn) await(ctx context.Context, subject string, answer <-chan *nats.Msg) (json.RawMessage, error) {
	patience := time.NewTimer(permissionCheck)
	defer patience.Stop()
	for {
		select {
		case a := <-answer:
			return result(a, subject)
		case <-patience.C:
			if err := c.mayPublish(subject); denied(err) {
				return nil, err
			}
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
	}
}

// expect returns the subject of an answer to come.
func (c *conn) expect(answer chan<- *nats.Msg) (reply string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.lastID++
	reply = c.inbox + strconv.FormatUint(c.lastID, 10)
	c.waiting[reply] = answer
	return reply
}

func (c *conn) forget(reply string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.waiting, reply)
}

// mayPublish returns a refusal if the servers refuse the client a subject. The service
// ignores what has no subject for an answer.
func (c *conn) mayPublish(subject string) error {
	return c.permitted(subject, func() error { return c.nc.Publish(subject, nil) })
}

// permitted tries something with a subject, and returns a refusal if the servers refuse
// it. They send an error to the connection then, of which the client library keeps the
// last one. If that is the error of something else, permitted tries again.
func (c *conn) permitted(subject string, try func() error) error {
	ctx, cancel := context.WithTimeout(c.ctx, tryTimeout)
	defer cancel()
	c.trying.Lock()
	defer c.trying.Unlock()
	for ctx.Err() == nil {
		before := c.nc.LastError()
		if err := try(); err != nil {
			return err
		}
		if err := c.nc.FlushWithContext(ctx); err != nil {
			return fmt.Errorf("ask the servers for permission: %w", err)
		}
		after := c.nc.LastError()
		if after == before || !errors.Is(after, nats.ErrPermissionViolation) {
			return nil
		}
		if strings.Contains(strings.ToLower(after.Error()), strings.ToLower(strconv.Quote(subject))) {
			return refused(aimx.CodeDenied, "the NATS user of this client has no permission for %s", subject)
		}
	}
	return ctx.Err()
}

// result returns what an answer holds.
func result(a *nats.Msg, subject string) (json.RawMessage, error) {
	if len(a.Data) == 0 && a.Header.Get("Status") == "503" {
		return nil, fmt.Errorf("%w at %s", errNobody, subject)
	}
	code := a.Header.Get(micro.ErrorCodeHeader)
	if code == "" {
		return a.Data, nil
	}
	return nil, refused(rpc.CodeOf(code), "%s", a.Header.Get(micro.ErrorHeader))
}
