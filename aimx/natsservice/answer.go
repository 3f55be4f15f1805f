package natsservice

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/micro"

	"github.com/aimdb-go/aimdb/aimx"
	"github.com/aimdb-go/aimdb/aimx/gateway"
	"github.com/aimdb-go/aimdb/aimx/internal/rpc"
	"github.com/aimdb-go/aimdb/aimx/internal/wire"
)

// liveTimeout bounds the wait of the method live.
const liveTimeout = 5 * time.Second

// failure is an error as the service answers it.
type failure struct {
	status  string // in the header
	Code    string `json:"code"`
	Message string `json:"message"`
	// Path is the JSON Pointer of what is wrong in a value that was published.
	Path string `json:"path,omitempty"`
}

// failureBytes bounds the message of a failure, which may quote a request. It is in the
// header and in the body of one answer, which the servers would otherwise refuse.
const failureBytes = 4000

func failed(code aimx.Code, format string, args ...any) *failure {
	message := fmt.Sprintf(format, args...)
	if len(message) > failureBytes {
		message = strings.ToValidUTF8(message[:failureBytes], "") + " (cut)"
	}
	return &failure{status: rpc.Code(code), Code: string(code), Message: message}
}

// headers returns the error as the header of an answer.
func (f *failure) headers() nats.Header {
	return nats.Header{micro.ErrorHeader: {f.line()}, micro.ErrorCodeHeader: {f.status}}
}

// line returns the message on one line: a header cannot hold more.
func (f *failure) line() string {
	return strings.Map(func(r rune) rune {
		if r < ' ' {
			return ' '
		}
		return r
	}, f.Message)
}

func (f *failure) body() []byte {
	b, err := json.Marshal(f)
	if err != nil { // not reached: strings can be encoded
		return nil
	}
	return b
}

// handle answers a request. NATS calls it for one request after another of each
// endpoint, so that what takes long has a goroutine.
func (s *Service) handle(m rpc.Method, r micro.Request) {
	if r.Reply() == "" {
		return // nobody waits for an answer: a client looks whether it may ask
	}
	if !answerable(r.Reply()) {
		s.config.Logger.Warn("natsservice: a request asks for its answer at a subject that is not one of answers; it is ignored", "request", r.Subject(), "reply", r.Reply())
		return
	}
	call, wrong := s.parse(m, r.Subject(), r.Data())
	if wrong != nil || !m.Slow {
		var result []byte
		if wrong == nil {
			result, wrong = s.call(call)
		}
		s.respond(m, r, result, wrong)
		return
	}
	lanes := s.queries
	if m.Name == wire.MethodHistoryVerify {
		lanes = s.verifications
	}
	if !lanes.admit() {
		s.counts[m.Name].busy.Add(1)
		s.respond(m, r, nil, &failure{status: rpc.Busy, Code: string(aimx.CodeInternal), Message: fmt.Sprintf("too many requests for %s run now; ask again later", m.Name)})
		return
	}
	s.launch(func() {
		if !lanes.run(s.calls, func() {
			result, wrong := s.call(call)
			s.publish(m, r.Reply(), result, wrong)
		}) {
			s.publish(m, r.Reply(), nil, failed(aimx.CodeInternal, "the database is stopping"))
		}
	})
}

// launch runs work in a goroutine, unless Run is ending. Then the subscriptions have ended,
// and work is done at once: it finds that its context has ended.
func (s *Service) launch(work func()) {
	s.mu.Lock()
	ending := s.calls.Err() != nil
	if !ending {
		s.work.Go(work)
	}
	s.mu.Unlock()
	if ending {
		work()
	}
}

// answerable reports whether an answer may go to a subject. A client chooses it, and the
// service has permissions that the client does not have: an answer at the subject of a
// record would be stored in the log as a value, and one under '$' is a request to the
// servers.
func answerable(reply string) bool {
	return !strings.HasPrefix(reply, "aimdb.") && !strings.HasPrefix(reply, "$")
}

// call runs a method to its end.
func (s *Service) call(c gateway.Call) ([]byte, *failure) {
	if c.Method == rpc.MethodLive {
		return s.live()
	}
	c.AnswerBytes = int(s.nc.MaxPayload())
	result, err := s.config.Gateway.Call(s.calls, c)
	var refused *aimx.Refusal
	switch {
	case errors.As(err, &refused):
		return nil, failed(refused.Code, "%s", refused.Reason)
	case err != nil:
		return nil, failed(aimx.CodeInternal, "%v", err)
	}
	return result, nil
}

func (s *Service) live() ([]byte, *failure) {
	if s.config.Live != nil {
		ctx, cancel := context.WithTimeout(s.calls, liveTimeout)
		defer cancel()
		if err := s.config.Live(ctx); err != nil {
			return nil, failed(aimx.CodeInternal, "live values are not published yet: %v", err)
		}
	}
	return []byte(`{"live":true}`), nil
}

// respond answers within the handler, so that the statistics of NATS count it.
func (s *Service) respond(m rpc.Method, r micro.Request, result []byte, wrong *failure) {
	var err error
	if wrong != nil {
		err = r.Error(wrong.status, wrong.line(), wrong.body())
	} else {
		err = r.Respond(result)
	}
	s.count(m, wrong, err)
}

// publish answers after the handler has returned, when the request may not be used any
// more.
func (s *Service) publish(m rpc.Method, reply string, result []byte, wrong *failure) {
	answer := &nats.Msg{Subject: reply, Data: result}
	if wrong != nil {
		answer.Header, answer.Data = wrong.headers(), wrong.body()
	}
	s.count(m, wrong, s.nc.PublishMsg(answer))
}

func (s *Service) count(m rpc.Method, wrong *failure, err error) {
	s.counts[m.Name].answered.Add(1)
	if wrong != nil {
		s.counts[m.Name].errors.Add(1)
	}
	if err != nil {
		s.config.Logger.Debug("natsservice: a request could not be answered", "method", m.Name, "error", err)
	}
}

// stats returns the data of an endpoint's statistics.
func (s *Service) stats(e *micro.Endpoint) any {
	c := s.counts[e.Metadata["method"]]
	if c == nil {
		return nil
	}
	return methodStats{c.answered.Load(), c.errors.Load(), c.busy.Load()}
}
