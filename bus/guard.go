package bus

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go"
)

// The limits of consumers from outside.
const (
	outsideConsumers = 1000
	outsideIdle      = time.Hour
	guardTimeout     = 2 * time.Second
)

const createAPI = "$JS.API.CONSUMER.CREATE."

// guard stands before the stream's consumer API. Permissions look at subjects
// only, and the danger of a consumer is in its body: one that is pushed can be
// told to deliver to any subject, among them the API that purges the stream.
// So what the outside account sees as that API leads here, and requests go on,
// if they are harmless, to the stream.
type guard struct {
	bus *Bus
	nc  *nats.Conn
}

// creations matches the requests by which clients make consumers.
func creations(database string) string { return createAPI + streamName(database) + ".>" }

func guardSubject(database string) string { return "_AIMDB_GUARD." + database + "." }

func startGuard(b *Bus) (*guard, error) {
	nc, err := b.node.connect(context.Background(), "guard")
	if err != nil {
		return nil, err
	}
	g := &guard{bus: b, nc: nc}
	if _, err = nc.Subscribe(guardSubject(b.config.Name)+">", g.judge); err == nil {
		err = nc.Flush()
	}
	if err != nil {
		nc.Close()
		return nil, fmt.Errorf("bus: guard the log's consumers: %w", err)
	}
	return g, nil
}

func (g *guard) stop() { g.nc.Close() }

func (g *guard) judge(m *nats.Msg) {
	body, err := g.harmless(m.Data)
	if err != nil {
		g.refuse(m, err)
		return
	}
	answer, err := g.nc.Request(createAPI+g.bus.stream, body, guardTimeout)
	if err != nil {
		g.refuse(m, fmt.Errorf("the log did not answer: %w", err))
		return
	}
	if err := m.Respond(answer.Data); err != nil {
		g.bus.log.Debug("bus: the answer to a request for a consumer was not delivered", "error", err)
	}
}

// harmless returns the request as it may go on.
func (g *guard) harmless(data []byte) ([]byte, error) {
	var request struct {
		Stream string         `json:"stream_name"`
		Config map[string]any `json:"config"`
	}
	if err := json.Unmarshal(data, &request); err != nil {
		return nil, fmt.Errorf("the request is not JSON: %w", err)
	}
	c := request.Config
	if subject, _ := c["deliver_subject"].(string); subject != "" {
		return nil, errors.New("consumers from outside are pull consumers: leave out deliver_subject")
	}
	if durable, _ := c["durable_name"].(string); durable != "" {
		return nil, errors.New("consumers from outside are ephemeral: leave out the durable name")
	}
	ctx, cancel := context.WithTimeout(context.Background(), guardTimeout)
	defer cancel()
	if state, err := g.bus.state(ctx); err != nil || state.Consumers >= outsideConsumers {
		return nil, fmt.Errorf("the log has %d consumers and takes no more now", state.Consumers)
	}
	idle, _ := c["inactive_threshold"].(float64)
	if c == nil || idle <= 0 || idle > float64(outsideIdle) {
		if c == nil {
			c = map[string]any{}
		}
		c["inactive_threshold"] = int64(5 * time.Minute)
	}
	c["mem_storage"] = true
	return json.Marshal(map[string]any{"stream_name": g.bus.stream, "config": c})
}

func (g *guard) refuse(m *nats.Msg, reason error) {
	body, err := json.Marshal(map[string]any{
		"type":  "io.nats.jetstream.api.v1.consumer_create_response",
		"error": map[string]any{"code": 403, "err_code": 10124, "description": reason.Error()},
	})
	if err == nil {
		err = m.Respond(body)
	}
	if err != nil {
		g.bus.log.Debug("bus: a refusal of a consumer was not delivered", "error", err)
	}
}
