package natsd

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// The limits of consumers from outside: their number on a stream, and how long
// one that nobody reads stays.
const (
	MaxConsumers    = 1000
	MaxConsumerIdle = time.Hour
)

const (
	defaultIdle  = 5 * time.Minute
	guardTimeout = 2 * time.Second
)

const createAPI = "$JS.API.CONSUMER.CREATE."

// consumerGuard handles the requests by which clients from outside create
// consumers. Permissions see subjects only, and what is dangerous about a
// consumer is in the request body: a push consumer can deliver to any subject,
// among them the API that purges the stream. The outside account imports the
// guard's subject in place of that API, and the guard passes safe requests on.
type consumerGuard struct {
	stream string
	nc     *nats.Conn
	js     jetstream.JetStream
	log    *slog.Logger
}

// createSubjects matches the requests by which clients create consumers.
func createSubjects(stream string) string { return createAPI + stream + ".>" }

func guardSubject(stream string) string { return "_AIMDB_GUARD." + stream + "." }

func startConsumerGuard(s *Server) (*consumerGuard, error) {
	nc, err := s.Connect(context.Background(), "guard")
	if err != nil {
		return nil, err
	}
	g := &consumerGuard{stream: s.config.Stream, nc: nc, log: s.config.Logger}
	if g.js, err = jetstream.New(nc); err == nil {
		_, err = nc.Subscribe(guardSubject(g.stream)+">", g.handleCreate)
	}
	if err == nil {
		err = nc.Flush()
	}
	if err != nil {
		nc.Close()
		return nil, fmt.Errorf("natsd: guard the consumers of stream %s: %w", g.stream, err)
	}
	return g, nil
}

func (g *consumerGuard) stop() { g.nc.Close() }

func (g *consumerGuard) handleCreate(m *nats.Msg) {
	body, err := g.sanitize(m.Data)
	if err != nil {
		g.refuse(m, err)
		return
	}
	answer, err := g.nc.Request(createAPI+g.stream, body, guardTimeout)
	if err != nil {
		g.refuse(m, fmt.Errorf("the stream did not answer: %w", err))
		return
	}
	if err := m.Respond(answer.Data); err != nil {
		g.log.Debug("natsd: the reply to a request for a consumer was not delivered", "error", err)
	}
}

// sanitize returns the request with unsafe fields refused or replaced.
func (g *consumerGuard) sanitize(data []byte) ([]byte, error) {
	var request struct {
		Stream string         `json:"stream_name"`
		Config map[string]any `json:"config"`
	}
	if err := json.Unmarshal(data, &request); err != nil {
		return nil, fmt.Errorf("the request is not JSON: %w", err)
	}
	c := request.Config
	if c == nil {
		c = map[string]any{}
	}
	if subject, _ := c["deliver_subject"].(string); subject != "" {
		return nil, errors.New("consumers from outside are pull consumers: leave out deliver_subject")
	}
	if durable, _ := c["durable_name"].(string); durable != "" {
		return nil, errors.New("consumers from outside are ephemeral: leave out the durable name")
	}
	if err := g.admitOneMore(); err != nil {
		return nil, err
	}
	if idle, _ := c["inactive_threshold"].(float64); idle <= 0 || idle > float64(MaxConsumerIdle) {
		c["inactive_threshold"] = int64(defaultIdle)
	}
	c["mem_storage"] = true
	return json.Marshal(map[string]any{"stream_name": g.stream, "config": c})
}

func (g *consumerGuard) admitOneMore() error {
	ctx, cancel := context.WithTimeout(context.Background(), guardTimeout)
	defer cancel()
	stream, err := g.js.Stream(ctx, g.stream)
	if err != nil {
		return fmt.Errorf("the stream did not answer: %w", err)
	}
	if n := stream.CachedInfo().State.Consumers; n >= MaxConsumers {
		return fmt.Errorf("the stream has %d consumers and takes no more now", n)
	}
	return nil
}

func (g *consumerGuard) refuse(m *nats.Msg, reason error) {
	body, err := json.Marshal(map[string]any{
		"type":  "io.nats.jetstream.api.v1.consumer_create_response",
		"error": map[string]any{"code": 403, "err_code": jetstream.JSErrCodeConsumerCreate, "description": reason.Error()},
	})
	if err == nil {
		err = m.Respond(body)
	}
	if err != nil {
		g.log.Debug("natsd: the refusal of a consumer was not delivered", "error", err)
	}
}
