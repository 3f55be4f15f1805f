package natsservice_test

import (
	"context"
	"encoding/json"
	"errors"
	"iter"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/micro"
	"go.uber.org/goleak"

	"github.com/aimdb-go/aimdb/aimx/gateway"
	"github.com/aimdb-go/aimdb/aimx/natsservice"
	"github.com/aimdb-go/aimdb/history"
	"github.com/aimdb-go/aimdb/internal/natstest"
	"github.com/aimdb-go/aimdb/records"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// slowHistory answers a query for the latest rows when it is released.
type slowHistory struct {
	history.Reader
	begun, release chan struct{}
}

func (h *slowHistory) Latest(ctx context.Context, _ history.LatestQuery) iter.Seq2[history.Row, error] {
	return func(yield func(history.Row, error) bool) {
		h.begun <- struct{}{}
		select {
		case <-h.release:
		case <-ctx.Done():
			yield(history.Row{}, ctx.Err())
		}
	}
}

// world is a service with two records, on a server of its own.
type world struct {
	service *natsservice.Service
	history *slowHistory
	client  *nats.Conn
	stop    func()
}

func open(t *testing.T) *world {
	t.Helper()
	server := natstest.Start(t, natstest.Options{})
	registry := records.NewRegistry(records.RegistryOptions{})
	t.Cleanup(registry.Close)
	small, err := records.Register[int](registry, "small", records.Config{Kind: records.Latest, Remote: true})
	if err != nil {
		t.Fatal(err)
	}
	large, err := records.Register[string](registry, "large", records.Config{Kind: records.Latest, Remote: true})
	if err != nil {
		t.Fatal(err)
	}
	if err := registry.Build(); err != nil {
		t.Fatal(err)
	}
	small.Produce(1)
	large.Produce(strings.Repeat("x", 2<<20))
	w := &world{history: &slowHistory{begun: make(chan struct{}, 100), release: make(chan struct{})}}
	w.service = natsservice.New(natsservice.Config{
		Database: "db", Queries: 2, Gateway: gateway.New(gateway.Config{Registry: registry, History: w.history, RemoteHistory: true}),
		Connect: func(context.Context) (*nats.Conn, error) { return nats.Connect(server.URL) },
	})
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- w.service.Run(ctx) }()
	w.stop = func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
	if w.client, err = nats.Connect(server.URL); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(w.client.Close)
	for {
		if _, err := w.client.Request("aimdb.db.rpc.hello", nil, time.Minute); err == nil {
			return w
		} else if !errors.Is(err, nats.ErrNoResponders) {
			t.Fatal(err)
		}
		time.Sleep(10 * time.Millisecond) // there is no event for a service that begins
	}
}

func (w *world) ask(t *testing.T, subject string) *nats.Msg {
	t.Helper()
	m, err := w.client.Request("aimdb.db.rpc."+subject, nil, time.Minute)
	if err != nil {
		t.Fatalf("%s: %v", subject, err)
	}
	return m
}

// query sends queries, whose answers come to one subscription.
func (w *world) query(t *testing.T, n int) *nats.Subscription {
	t.Helper()
	inbox := w.client.NewInbox()
	answers, err := w.client.SubscribeSync(inbox)
	if err != nil {
		t.Fatal(err)
	}
	for range n {
		if err := w.client.PublishRequest("aimdb.db.rpc.query", inbox, nil); err != nil {
			t.Fatal(err)
		}
	}
	return answers
}

func next(t *testing.T, s *nats.Subscription) *nats.Msg {
	t.Helper()
	m, err := s.NextMsg(time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// TestSlowQueries: queries that take long delay no get, two run and eight wait, and one
// more is refused. Drain answers all that were admitted and takes nothing new.
func TestSlowQueries(t *testing.T) {
	w := open(t)
	answers := w.query(t, 11)
	if m := next(t, answers); m.Header.Get(micro.ErrorCodeHeader) != "503" || !strings.Contains(m.Header.Get(micro.ErrorHeader), "too many") {
		t.Errorf("the eleventh query: %v %s", m.Header, m.Data)
	}
	<-w.history.begun
	<-w.history.begun
	if m := w.ask(t, "get.small"); string(m.Data) != "1" {
		t.Errorf("a get beside slow queries: %s", m.Data)
	}
	if len(w.history.begun) > 0 {
		t.Error("a third query runs")
	}
	var stats micro.Stats
	m, err := w.client.Request("$SRV.STATS.aimdb-db", nil, time.Minute)
	if err == nil {
		err = json.Unmarshal(m.Data, &stats)
	}
	if err != nil || !strings.Contains(string(m.Data), `"busy":1`) {
		t.Errorf("%v: %s", err, m.Data)
	}
	drained := make(chan struct{})
	go func() {
		defer close(drained)
		w.service.Drain(context.Background())
	}()
	for { // the service ends its subscriptions at some moment
		if _, err := w.client.Request("aimdb.db.rpc.hello", nil, time.Minute); errors.Is(err, nats.ErrNoResponders) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
	}
	select {
	case <-drained:
		t.Error("it has drained while queries run")
	default:
	}
	close(w.history.release)
	for i := range 10 {
		if m := next(t, answers); !strings.Contains(string(m.Data), `"total":0`) {
			t.Errorf("answer %d: %v %s", i, m.Header, m.Data)
		}
	}
	<-drained
	w.stop()
}

// TestStopCutsQueriesOff: the end of the context of Run ends queries that run, with an
// answer.
func TestStopCutsQueriesOff(t *testing.T) {
	w := open(t)
	answers := w.query(t, 11)
	next(t, answers) // the eleventh is refused, so the others have arrived
	<-w.history.begun
	<-w.history.begun
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	w.service.Drain(ctx)
	w.stop()
	for range 10 {
		if m := next(t, answers); m.Header.Get(micro.ErrorCodeHeader) != "500" {
			t.Errorf("a query that was cut off: %v %s", m.Header, m.Data)
		}
	}
}

// TestLargeAnswer: what one message cannot carry is an error that says so.
func TestLargeAnswer(t *testing.T) {
	w := open(t)
	defer w.stop()
	if m := w.ask(t, "get.large"); m.Header.Get(micro.ErrorCodeHeader) != "500" || !strings.Contains(m.Header.Get(micro.ErrorHeader), "2097154 bytes and this client takes 1048576") {
		t.Errorf("%v %.100s", m.Header, m.Data)
	}
}

// TestLargeError: an error that quotes a large request reaches the client.
func TestLargeError(t *testing.T) {
	w := open(t)
	defer w.stop()
	for subject, body := range map[string]string{
		"query": `{"order":"%s"}`, "history.page": `{"%s":1}`, "set.small": `{"%s":1`,
	} {
		m, err := w.client.Request("aimdb.db.rpc."+subject, []byte(strings.ReplaceAll(body, "%s", strings.Repeat("é", 300_000))), time.Minute)
		if err != nil {
			t.Fatalf("%s: %v", subject, err)
		}
		if m.Header.Get(micro.ErrorCodeHeader) == "" || len(m.Data) > 10_000 {
			t.Errorf("%s: %.100s", subject, m.Data)
		}
	}
}
