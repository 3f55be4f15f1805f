package serve_test

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"

	"github.com/aimdb-go/aimdb/serve"
)

// receiver is a collector that keeps what it is sent.
type receiver struct {
	*httptest.Server
	mu     sync.Mutex
	status int
	asked  []*http.Request
	spans  []*tracepb.Span
	from   map[string]string // what the last resource says of itself
	came   chan struct{}
}

func newReceiver(t *testing.T) *receiver {
	t.Helper()
	r := &receiver{status: http.StatusOK, from: map[string]string{}, came: make(chan struct{}, 1000)}
	r.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		body, err := io.ReadAll(q.Body)
		if err != nil {
			t.Errorf("read a request: %v", err)
		}
		r.mu.Lock()
		defer r.mu.Unlock()
		r.asked = append(r.asked, q)
		if w.WriteHeader(r.status); r.status == http.StatusOK {
			r.take(t, body)
		}
		r.came <- struct{}{}
	}))
	t.Cleanup(r.Close)
	return r
}

func (r *receiver) take(t *testing.T, body []byte) {
	var data tracepb.TracesData
	if err := proto.Unmarshal(body, &data); err != nil {
		t.Errorf("decode a request: %v", err)
	}
	for _, of := range data.ResourceSpans {
		for _, a := range of.Resource.Attributes {
			r.from[a.Key] = a.Value.GetStringValue()
		}
		for _, scope := range of.ScopeSpans {
			r.spans = append(r.spans, scope.Spans...)
		}
	}
}

// values is the sum of what the spans say they have stored.
func (r *receiver) values() (n int64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, s := range r.spans {
		for _, a := range s.Attributes {
			if a.Key == "aimdb.values" {
				n += a.Value.GetIntValue()
			}
		}
	}
	return n
}

// TestSpansOfBatches: a collector gets a span of each batch, the last one when the server
// stops.
func TestSpansOfBatches(t *testing.T) {
	t.Setenv("OTEL_SERVICE_NAME", "plant-7")
	c := newReceiver(t)
	r := start(t, "name: plant\nrecords: [{key: a}]\notel: {endpoint: '"+c.URL+"', headers: {Authorization: Bearer abc}}\n")
	for range 3 {
		if err := r.set(t, "a", `1`); err != nil {
			t.Fatal(err)
		}
	}
	if err := r.end(); err != nil {
		t.Fatal(err)
	}
	if n := c.values(); n != 3 {
		t.Fatalf("spans tell of %d values, want 3", n)
	}
	s, q := c.spans[0], c.asked[0]
	if s.Name != "store sqlite" || s.Kind != tracepb.Span_SPAN_KIND_CLIENT || len(s.TraceId) != 16 || s.EndTimeUnixNano < s.StartTimeUnixNano {
		t.Errorf("a span is %v", s)
	}
	if q.Method != http.MethodPost || q.URL.Path != "/v1/traces" || q.Header.Get("Content-Type") != "application/x-protobuf" || q.Header.Get("Authorization") != "Bearer abc" {
		t.Errorf("a request is %s %s %v", q.Method, q.URL, q.Header)
	}
	if c.from["service.name"] != "plant-7" || c.from["aimdb.database"] != "plant" {
		t.Errorf("the spans are of %v", c.from)
	}
}

// TestNoSpans: without the setting nothing is sent.
func TestNoSpans(t *testing.T) {
	c := newReceiver(t)
	t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", c.URL) // not in the Environ of the sources
	r := start(t, "records: [{key: a}]\n")
	if err := r.set(t, "a", `1`); err != nil {
		t.Fatal(err)
	}
	if err := r.end(); err != nil || len(c.asked) > 0 {
		t.Errorf("%d requests, %v", len(c.asked), err)
	}
}

// TestDeadCollector: a collector that is not there, answers with errors, or does not answer
// keeps no value from the history, and is logged once. A stop does not wait for long.
func TestDeadCollector(t *testing.T) {
	silent, err := net.Listen("tcp", "127.0.0.1:0") // whose connections nobody accepts
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = silent.Close() })
	gone := httptest.NewServer(http.NotFoundHandler())
	gone.Close()
	broken := newReceiver(t)
	broken.status = http.StatusInternalServerError
	for _, c := range []struct {
		name, endpoint string
		stored         func()
	}{
		{"gone", gone.URL, func() {}},
		{"broken", broken.URL, func() { <-broken.came }}, // each span is a request
		{"silent", "http://" + silent.Addr().String(), func() {}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Setenv("OTEL_BSP_SCHEDULE_DELAY", "1")
			log, end := runLogged(t, c.endpoint, c.stored)
			began := time.Now()
			end()
			if took := time.Since(began); took > 30*time.Second {
				t.Errorf("a stop took %v", took)
			}
			if n := strings.Count(log(), "the collector does not take spans"); n != 1 {
				t.Errorf("it is logged %d times:\n%s", n, log())
			}
		})
	}
}

// runLogged runs a server that has stored two batches, calls stored for each, and returns
// what the server logs, and its end.
func runLogged(t *testing.T, endpoint string, stored func()) (func() string, func()) {
	t.Helper()
	var mu sync.Mutex
	var text bytes.Buffer
	logger := slog.New(slog.NewTextHandler(writer(func(p []byte) (int, error) {
		mu.Lock()
		defer mu.Unlock()
		return text.Write(p)
	}), nil))
	path := write(t, "dir: "+t.TempDir()+"\nhttp: off\nnats: off\nmqtt: off\ngateways: []\nrecords: [{key: a}]\notel: {endpoint: '"+endpoint+"'}\n")
	settings, err := serve.Load(serve.Sources{Path: path})
	if err != nil {
		t.Fatal(err)
	}
	server, err := serve.Open(settings, logger)
	if err != nil {
		t.Fatal(err)
	}
	r := &running{Server: server}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- server.Run(ctx) }()
	end := sync.OnceFunc(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(end)
	<-server.DB().Ready()
	for range 2 {
		if err := r.set(t, "a", `1`); err != nil {
			t.Fatal(err)
		}
		if err := server.DB().Flush(t.Context()); err != nil {
			t.Fatal(err)
		}
		stored()
	}
	if n := len(r.rows(t, "a")); n != 2 {
		t.Errorf("%d rows are stored, want 2", n)
	}
	return func() string {
		mu.Lock()
		defer mu.Unlock()
		return text.String()
	}, end
}

// writer is a function that writes.
type writer func([]byte) (int, error)

func (w writer) Write(p []byte) (int, error) { return w(p) }

// TestOtelVariables: the standard variables are a source of the setting, and the file counts
// more. Headers are not shown.
func TestOtelVariables(t *testing.T) {
	const base, traces, headers = "OTEL_EXPORTER_OTLP_ENDPOINT=http://c:4318", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT=http://t:4318/x", "OTEL_EXPORTER_OTLP_HEADERS=api-key=a%20b, x=y"
	for _, c := range []struct {
		name, file string
		environ    []string
		endpoint   string
		warned     bool
	}{
		{"none", "", nil, "", false},
		{"the base", "", []string{base}, "http://c:4318/v1/traces", false},
		{"that of traces", "", []string{base, traces}, "http://t:4318/x", false},
		{"the file", "otel: {endpoint: 'http://f:1'}\n", []string{base}, "http://f:1", false},
		{"ours", "", []string{base, "AIMDB_OTEL_ENDPOINT=http://o:1"}, "http://o:1", false},
		{"disabled", "", []string{base, "OTEL_SDK_DISABLED=true"}, "", false},
		{"no traces", "", []string{base, "OTEL_TRACES_EXPORTER=none"}, "", false},
		{"gRPC", "", []string{base, "OTEL_EXPORTER_OTLP_PROTOCOL=grpc"}, "", true},
	} {
		s, err := serve.Load(serve.Sources{Path: write(t, c.file), Environ: append(c.environ, headers)})
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		if s.Otel.Endpoint != c.endpoint || len(s.Warnings) > 0 != c.warned {
			t.Errorf("%s: %+v, %q", c.name, s.Otel, s.Warnings)
		}
		if c.name == "the base" && (s.Otel.Headers["api-key"] != "a b" || s.Otel.Headers["x"] != "y") {
			t.Errorf("the headers are %v", s.Otel.Headers)
		}
		var shown bytes.Buffer
		if err := s.Print(&shown); err != nil || strings.Contains(shown.String(), "a b") {
			t.Errorf("%s: %v %s", c.name, err, shown.String())
		}
	}
	for file, want := range map[string]string{
		"otel: {endpoint: 'c:4318'}\n":        "F:1:8: otel.endpoint: ",
		"otel: {endpoint: 'grpc://c:4317'}\n": "F:1:8: otel.endpoint: ",
		"otel: {headers: {a: b}}\n":           "F:1:1: otel: headers are given and no endpoint",
	} {
		path := write(t, file)
		_, err := serve.Load(serve.Sources{Path: path})
		if err == nil || !strings.HasPrefix(err.Error(), strings.Replace(want, "F", path, 1)) {
			t.Errorf("%s: %v", file, err)
		}
	}
}
