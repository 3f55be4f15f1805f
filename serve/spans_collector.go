package serve

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"sync"

	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"
)

// collector is a collector of OpenTelemetry, as package otlptrace sees it. The client of
// package otlptracehttp is not used, since it links gRPC.
type collector struct {
	endpoint *url.URL
	headers  map[string]string
	client   *http.Client
	logger   *slog.Logger
	// running ends when the server stops, and with it the requests.
	running context.Context
	stop    context.CancelFunc

	mu      sync.Mutex
	dropped int // since the collector has failed, 0 if it does not
}

func newCollector(o Otel, logger *slog.Logger) (*collector, error) {
	endpoint, err := tracesURL(o.Endpoint)
	if err != nil {
		return nil, err
	}
	running, stop := context.WithCancel(context.Background())
	// Requests are seldom: a connection that stays open is of no use.
	transport := &http.Transport{Proxy: http.ProxyFromEnvironment, DisableKeepAlives: true, ForceAttemptHTTP2: true}
	// A redirect would take the headers to another server.
	stay := func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &collector{
		endpoint: endpoint, headers: o.Headers, logger: logger, running: running, stop: stop,
		client: &http.Client{Transport: transport, Timeout: spansTimeout, CheckRedirect: stay},
	}, nil
}

// tracesURL returns where spans are posted.
func tracesURL(endpoint string) (*url.URL, error) {
	u, err := url.Parse(endpoint)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return nil, fmt.Errorf("%q is no URL of a collector; write one such as http://127.0.0.1:4318", withoutSecret(endpoint, ""))
	}
	if u.Path == "" || u.Path == "/" {
		u.Path = "/v1/traces"
	}
	return u, nil
}

// shown is the endpoint without a password.
func (c *collector) shown() string { return withoutSecret(c.endpoint.String(), "") }

// Start implements otlptrace.Client.
func (c *collector) Start(context.Context) error { return nil }

// Stop implements otlptrace.Client.
func (c *collector) Stop(context.Context) error { return nil }

// UploadTraces implements otlptrace.Client. It logs an error and does not return it: the SDK
// would give it to a handler of the whole process, each time.
func (c *collector) UploadTraces(ctx context.Context, all []*tracepb.ResourceSpans) error {
	n := 0
	for _, r := range all {
		for _, scope := range r.ScopeSpans {
			n += len(scope.Spans)
		}
	}
	c.note(n, c.post(ctx, all))
	return nil
}

// post sends spans. TracesData is the request of OTLP, field by field.
func (c *collector) post(ctx context.Context, all []*tracepb.ResourceSpans) error {
	body, err := proto.Marshal(&tracepb.TracesData{ResourceSpans: all})
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(c.running, cancel)()
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, c.endpoint.String(), bytes.NewReader(body))
	if err != nil {
		return err
	}
	for name, value := range c.headers {
		r.Header.Set(name, value)
	}
	r.Header.Set("Content-Type", "application/x-protobuf")
	answer, err := c.client.Do(r)
	if err != nil {
		return err
	}
	said, err := io.ReadAll(io.LimitReader(answer.Body, 200))
	_ = answer.Body.Close() // it was only read
	if answer.StatusCode/100 != 2 {
		return fmt.Errorf("it answered %s: %q", answer.Status, said)
	}
	return err
}

// note logs that a collector fails, once, and that it works again.
func (c *collector) note(n int, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	before := c.dropped
	if err == nil {
		if c.dropped = 0; before > 0 {
			c.logger.Info("the collector takes spans again", "endpoint", c.shown(), "dropped", before)
		}
		return
	}
	if c.dropped += n; before == 0 {
		c.logger.Warn("the collector does not take spans; they are dropped until it does, and values are stored as ever", "endpoint", c.shown(), "error", err)
	}
}
