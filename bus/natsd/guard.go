package natsd

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

const guardTimeout = 2 * time.Second

// Closed names messages under Config.Readable that clients from outside may not
// read: those of Subjects up to the sequence To. Subjects have no wildcards.
type Closed struct {
	To       uint64
	Subjects []string
}

// overlaps reports whether a subject, which may have wildcards, matches a closed one.
func (c *Closed) overlaps(subject string) bool {
	for _, closed := range c.Subjects {
		if server.SubjectsCollide(subject, closed) {
			return true
		}
	}
	return false
}

// guard handles the requests by which clients from outside read the stream.
// Permissions see subjects only, and what a request reads is in its body. The
// outside account imports the guard's subjects in place of that part of the API, and
// the guard passes safe requests on. It decodes a body into the type that the server
// decodes it into and encodes it again, so that both see the same fields.
type guard struct {
	stream, readable string
	deliver          string
	server           *Server
	nc               *nats.Conn
	js               jetstream.JetStream
	log              *slog.Logger
	// closed is nil until clients may read.
	closed   atomic.Pointer[Closed]
	statuses statusSender
}

// guardSubject returns the subject of the requests of one kind.
func guardSubject(stream, kind string) string { return "_AIMDB_GUARD." + stream + "." + kind }

func startGuard(s *Server) (*guard, error) {
	nc, err := s.Connect(context.Background(), "guard")
	if err != nil {
		return nil, err
	}
	g := &guard{stream: s.config.Stream, readable: s.config.Readable, deliver: s.config.Deliver, server: s, nc: nc, log: s.config.Logger}
	g.statuses.publisher = s.Publisher()
	g.js, err = jetstream.New(nc)
	for kind, check := range map[string]checkFunc{
		"create.>": g.checkCreate, "info": g.checkInfo, "get": g.checkGet, "direct": g.checkDirect, "last.>": g.checkLast,
		"hub.>": g.checkHub,
	} {
		if err == nil {
			_, err = nc.Subscribe(guardSubject(g.stream, kind), func(m *nats.Msg) { g.handle(m, check) })
		}
	}
	if err == nil {
		err = nc.Flush()
	}
	if err != nil {
		nc.Close()
		return nil, fmt.Errorf("natsd: guard the stream %s: %w", g.stream, err)
	}
	return g, nil
}

func (g *guard) stop() {
	g.nc.Close()
	g.statuses.close()
}

// checkFunc returns the subject of the API that a safe request is for, and its body.
type checkFunc func(m *nats.Msg) (api string, body []byte, err error)

// handle passes a request on that the check finds safe, and the answer back. The
// server does not take the client's own reply subject from a client, so it does not
// answer directly.
func (g *guard) handle(m *nats.Msg, check checkFunc) {
	if m.Reply == "" {
		return // nobody waits for an answer
	}
	api, body, err := check(m)
	var answer *nats.Msg
	if err == nil {
		answer, err = g.requestMsg(&nats.Msg{Subject: api, Header: passedHeaders(m.Header), Data: body})
	}
	if err == nil {
		err = g.respond(m, answer)
	}
	if err == nil {
		return
	}
	if err := g.refuse(m, err); err != nil {
		g.log.Debug("natsd: the refusal of a request from outside was not delivered", "request", m.Subject, "error", err)
	}
}

func (g *guard) request(api string, body []byte) (*nats.Msg, error) {
	return g.requestMsg(&nats.Msg{Subject: api, Data: body})
}

func (g *guard) requestMsg(m *nats.Msg) (*nats.Msg, error) {
	answer, err := g.nc.RequestMsg(m, guardTimeout)
	if err != nil {
		return nil, fmt.Errorf("the stream did not answer: %w", err)
	}
	return answer, nil
}

func (g *guard) respond(m, answer *nats.Msg) error {
	if status := answer.Header.Get("Status"); status != "" {
		return g.statuses.send(m.Reply, status+" "+answer.Header.Get("Description"))
	}
	return m.RespondMsg(&nats.Msg{Header: answer.Header, Data: answer.Data})
}

// refuse answers with the error of a request. Direct requests are answered with a
// status, all others with JSON.
func (g *guard) refuse(m *nats.Msg, reason error) error {
	kind, _, _ := strings.Cut(strings.TrimPrefix(m.Subject, guardSubject(g.stream, "")), ".")
	answer, code := "", jetstream.JSErrCodeBadRequest
	switch kind {
	case "hub":
		answer, code = hubResponse(m.Subject), jetstream.JSErrCodeBadRequest
	case "create":
		answer, code = "consumer_create_response", jetstream.JSErrCodeConsumerCreate
	case "info":
		answer = "stream_info_response"
	case "get":
		answer = "stream_msg_get_response"
	default:
		return g.statuses.send(m.Reply, "403 "+reason.Error())
	}
	body, err := json.Marshal(map[string]any{
		"type":  "io.nats.jetstream.api.v1." + answer,
		"error": map[string]any{"code": 403, "err_code": code, "description": reason.Error()},
	})
	if err != nil {
		return err
	}
	return m.Respond(body)
}

// AllowReads lets clients from outside read the stream, but for what is closed.
// Until it is called, the guard refuses their requests.
func (s *Server) AllowReads(closed Closed) { s.guard.closed.Store(&closed) }

// opened returns what is closed, and an error if clients may not read yet.
func (g *guard) opened() (*Closed, error) {
	if c := g.closed.Load(); c != nil {
		return c, nil
	}
	return nil, errors.New("the database is starting: try again")
}

// checkReadable returns an error for a subject that matches messages which are never
// open to clients from outside.
func (g *guard) checkReadable(subject string) error {
	if !server.IsValidSubject(subject) || !server.SubjectMatchesFilter(subject, g.readable) {
		return fmt.Errorf("the subject %q is not open to clients: use %s or a subject under it", subject, g.readable)
	}
	return nil
}

// checkOpen also refuses a subject that matches a closed message.
func (g *guard) checkOpen(subject string) error {
	closed, err := g.opened()
	if err == nil {
		err = g.checkReadable(subject)
	}
	if err == nil && closed.overlaps(subject) {
		err = fmt.Errorf("messages of %q up to sequence %d belong to records that are private now: use a subject without them, or a consumer", subject, closed.To)
	}
	return err
}

// statusSender sends messages that consist of a status line, which the client library
// cannot write.
type statusSender struct {
	mu        sync.Mutex
	publisher *RawPublisher
}

func (s *statusSender) send(subject, status string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.publisher.AddStatus(subject, status)
	return s.publisher.Flush()
}

func (s *statusSender) close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.publisher.Close()
}
