package natsd

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
)

const (
	deleteAPI = "$JS.API.CONSUMER.DELETE."
	// sourceName begins the name of a consumer that a stream elsewhere reads by.
	sourceName = "JS_SRC_"
	// sourceIdle is how long such a consumer stays that nobody reads.
	sourceIdle = 10 * time.Second
)

// checkHub admits the requests by which a stream of a hub reads this one, and nothing
// else of the API.
func (g *guard) checkHub(m *nats.Msg) (api string, body []byte, err error) {
	if _, err := g.opened(); err != nil {
		return "", nil, err
	}
	request := "$JS.API." + strings.TrimPrefix(m.Subject, guardSubject(g.stream, "hub."))
	name, deletes := strings.CutPrefix(request, deleteAPI+g.stream+".")
	switch {
	case request == infoAPI+g.stream:
		return g.checkInfo(m)
	case request == createAPI+g.stream, strings.HasPrefix(request, createAPI+g.stream+"."):
		return g.checkSource(m)
	case deletes && strings.HasPrefix(name, sourceName):
		return request, nil, nil
	}
	return "", nil, fmt.Errorf("%s is not open to a hub, which only reads the stream %s as a source", request, g.stream)
}

// checkSource admits a consumer that delivers to a hub. Any other one is a pull
// consumer, which a hub may create to count messages; it cannot pull them.
func (g *guard) checkSource(m *nats.Msg) (api string, body []byte, err error) {
	var request server.CreateConsumerRequest
	if err := json.Unmarshal(m.Data, &request); err != nil {
		return "", nil, fmt.Errorf("the request is not one for a consumer: %w", err)
	}
	if request.Config.DeliverSubject == "" {
		return g.checkCreate(m)
	}
	c, err := g.sourceConsumer(request.Config)
	if err != nil {
		return "", nil, err
	}
	if err := g.admitOneSource(); err != nil {
		return "", nil, err
	}
	body, err = json.Marshal(server.CreateConsumerRequest{Stream: g.stream, Config: c})
	return createAPI + g.stream, body, err
}

// sourceConsumer returns the consumer of a source with the fields that a source sets,
// and no others.
func (g *guard) sourceConsumer(asked server.ConsumerConfig) (server.ConsumerConfig, error) {
	to, ours := strings.CutPrefix(asked.DeliverSubject, g.deliver+".")
	switch {
	case !ours || !server.IsValidLiteralSubject(to):
		return asked, fmt.Errorf("a hub is delivered to subjects under %s only: set deliver_prefix of the source to it", g.deliver+".>")
	case !strings.HasPrefix(asked.Name, sourceName) || !asked.Direct || asked.Durable != "":
		return asked, errors.New("a consumer that delivers to a hub must be that of a source")
	}
	c := server.ConsumerConfig{
		Name: asked.Name, DeliverSubject: asked.DeliverSubject, Metadata: asked.Metadata,
		FilterSubject: asked.FilterSubject, FilterSubjects: asked.FilterSubjects,
		DeliverPolicy: asked.DeliverPolicy, OptStartSeq: asked.OptStartSeq, OptStartTime: asked.OptStartTime,
		AckPolicy: server.AckNone, AckWait: asked.AckWait, MaxDeliver: 1,
		Heartbeat: asked.Heartbeat, FlowControl: true, Direct: true, Sourcing: asked.Sourcing,
		InactiveThreshold: sourceIdle,
	}
	return c, g.limitToOpen(&c)
}

// admitOneSource bounds the consumers of hubs. The server does not count them with the
// others.
func (g *guard) admitOneSource() error {
	n, err := g.sources()
	if err == nil && n >= MaxConsumers {
		err = fmt.Errorf("hubs have %d consumers on the stream and get no more now", n)
	}
	return err
}

// sources returns the number of consumers that deliver to hubs.
func (g *guard) sources() (n int, err error) {
	node := g.server.server()
	account, err := node.JszAccount(&server.JSzOptions{Account: node.GlobalAccount().Name, Streams: true, Consumer: true, DirectConsumer: true})
	if err != nil {
		return 0, fmt.Errorf("the consumers of hubs cannot be counted: %w", err)
	}
	for _, s := range account.Streams {
		if s.Name == g.stream {
			n = len(s.DirectConsumer)
		}
	}
	return n, nil
}

// passedHeaders returns the headers of a request that the API reads: the version that it
// needs, and the stream that it expects.
func passedHeaders(h nats.Header) nats.Header {
	passed := nats.Header{}
	for _, name := range []string{server.JSRequiredApiLevel, server.JSStreamIdentity} {
		if value := h.Get(name); value != "" {
			passed.Set(name, value)
		}
	}
	return passed
}

// hubResponse returns the type of the answer to a request of a hub.
func hubResponse(subject string) string {
	switch {
	case strings.Contains(subject, ".hub.CONSUMER.CREATE."):
		return "consumer_create_response"
	case strings.Contains(subject, ".hub.CONSUMER.DELETE."):
		return "consumer_delete_response"
	case strings.Contains(subject, ".hub.STREAM.INFO."):
		return "stream_info_response"
	}
	return "error_response"
}
