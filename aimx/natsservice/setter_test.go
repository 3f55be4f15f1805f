package natsservice_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/micro"

	"github.com/aimdb-go/aimdb/aimx/gateway"
	"github.com/aimdb-go/aimdb/aimx/natsservice"
	"github.com/aimdb-go/aimdb/ingest"
	"github.com/aimdb-go/aimdb/internal/natstest"
	"github.com/aimdb-go/aimdb/key"
	"github.com/aimdb-go/aimdb/records"
)

// setWorld is a service with a record whose log is the test.
type setWorld struct {
	service *natsservice.Service
	ingest  *ingest.Writer
	record  *records.Untyped
	feed    *records.Feed
	client  *nats.Conn
	cancel  context.CancelFunc
	done    chan error
}

func openSet(t *testing.T, capacity int) *setWorld {
	t.Helper()
	server := natstest.Start(t, natstest.Options{})
	registry := records.NewRegistry(records.RegistryOptions{})
	t.Cleanup(registry.Close)
	record, err := records.Register[string](registry, "n", records.Config{Kind: records.Ring, Capacity: capacity, Logged: true, Writable: true})
	if err == nil {
		err = registry.Build()
	}
	if err != nil {
		t.Fatal(err)
	}
	w := &setWorld{record: record.Untyped(), ingest: ingest.New(ingest.Config{Registry: registry}), done: make(chan error, 1)}
	w.feed = registry.NewFeed(records.LogReader, []*records.Untyped{w.record})
	w.service = natsservice.New(natsservice.Config{
		Database: "db", Gateway: gateway.New(gateway.Config{Registry: registry}), Ingest: w.ingest, Writes: []key.Pattern{key.WirePattern("#")},
		Connect: func(context.Context) (*nats.Conn, error) { return nats.Connect(server.URL) },
	})
	var ctx context.Context
	ctx, w.cancel = context.WithCancel(context.Background())
	go func() { w.done <- w.service.Run(ctx) }()
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

func (w *setWorld) publish(t *testing.T, inbox string, values ...string) {
	t.Helper()
	for _, value := range values {
		if err := w.client.PublishMsg(&nats.Msg{Subject: "aimdb.db.set.n", Reply: inbox, Data: []byte(value)}); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.client.Flush(); err != nil {
		t.Fatal(err)
	}
}

// takeUntil takes n values as the log does.
func (w *setWorld) takeUntil(t *testing.T, n int) (values []string) {
	t.Helper()
	items := make([]records.Item, 16)
	for len(values) < n {
		k, err := w.feed.Take(t.Context(), items)
		if err != nil {
			t.Fatal(err)
		}
		for _, item := range items[:k] {
			values = append(values, string(item.JSON))
		}
	}
	return values
}

// TestSlowLog: while the log takes nothing, what has space is set and what has none waits;
// nothing is answered before the log has it, and nothing is lost.
func TestSlowLog(t *testing.T) {
	w := openSet(t, 4)
	inbox := w.client.NewInbox()
	answers, err := w.client.SubscribeSync(inbox)
	if err != nil {
		t.Fatal(err)
	}
	var values []string
	for i := range 20 {
		values = append(values, fmt.Sprintf(`"%d"`, i))
	}
	w.publish(t, inbox, values...)
	for w.record.Produced() < 4 {
		time.Sleep(time.Millisecond) // there is no event for a value that is set
	}
	if m, err := answers.NextMsg(50 * time.Millisecond); err == nil {
		t.Errorf("an answer before the log has the value: %s", m.Data)
	}
	if n := w.record.Produced(); n != 4 {
		t.Errorf("%d values are in a ring of 4", n)
	}
	if got := strings.Join(w.takeUntil(t, 20), " "); got != strings.Join(values, " ") {
		t.Errorf("the log gets %s", got)
	}
	if n, _, _ := answers.Pending(); n > 0 {
		t.Errorf("%d answers before the log has a value", n)
	}
	w.record.FailLogged(7, 7, errors.New("too large"))
	w.record.AckLogged(20)
	for i := range 20 {
		m := next(t, answers)
		if wrong := m.Header.Get(micro.ErrorHeader); (wrong != "") != (i == 6) || i != 6 && string(m.Data) != `{"logged":true}` {
			t.Errorf("answer %d: %s %v", i, m.Data, m.Header)
		}
	}
	w.cancel()
	if err := <-w.done; err != nil {
		t.Error(err)
	}
}

// TestDrainAnswersWhatWasPublished: Drain takes no new values and returns when the log has
// those that came before.
func TestDrainAnswersWhatWasPublished(t *testing.T) {
	w := openSet(t, 8)
	inbox := w.client.NewInbox()
	answers, err := w.client.SubscribeSync(inbox)
	if err != nil {
		t.Fatal(err)
	}
	w.publish(t, inbox, `"1"`, `"2"`, `"3"`)
	drained := make(chan struct{})
	go func() {
		defer close(drained)
		w.service.Drain(t.Context())
	}()
	w.takeUntil(t, 3)
	select {
	case <-drained:
		t.Error("it has drained while values wait for the log")
	case <-time.After(50 * time.Millisecond):
	}
	w.record.AckLogged(3)
	for range 3 {
		if m := next(t, answers); string(m.Data) != `{"logged":true}` {
			t.Errorf("%s %v", m.Data, m.Header)
		}
	}
	<-drained
	if m, err := w.client.Request("aimdb.db.set.n", []byte(`"4"`), time.Minute); !errors.Is(err, nats.ErrNoResponders) {
		t.Errorf("a value after the drain: %v, %v", m, err)
	}
	w.cancel()
	if err := <-w.done; err != nil {
		t.Error(err)
	}
}

// TestStopAnswersWhatWaits: the end of Run answers values that the log does not have.
func TestStopAnswersWhatWaits(t *testing.T) {
	w := openSet(t, 2)
	inbox := w.client.NewInbox()
	answers, err := w.client.SubscribeSync(inbox)
	if err != nil {
		t.Fatal(err)
	}
	w.publish(t, inbox, `"1"`, `"2"`, `"3"`, `"4"`)
	for w.record.Produced() < 2 {
		time.Sleep(time.Millisecond) // there is no event for a value that is set
	}
	w.cancel()
	if err := <-w.done; err != nil {
		t.Error(err)
	}
	for i := range 4 {
		if m := next(t, answers); m.Header.Get(micro.ErrorCodeHeader) != "500" {
			t.Errorf("answer %d: %s %v", i, m.Data, m.Header)
		}
	}
}

// TestDroppedValues: what NATS drops because the log is slow is counted.
func TestDroppedValues(t *testing.T) {
	const values, capacity = 90_000, 4096 // more than wait
	w := openSet(t, capacity)
	w.publish(t, "", slices.Repeat([]string{`"x"`}, values)...)
	for w.record.Produced() < capacity {
		time.Sleep(time.Millisecond) // there is no event for a value that is set
	}
	dropped := func() uint64 { return w.ingest.Counts().Refused["dropped"] }
	items := make([]records.Item, capacity)
	for w.record.Produced()+dropped() < values {
		if w.feed.TryTake(items) == 0 {
			w.publish(t, "", "") // what was dropped is counted with the next message
			time.Sleep(time.Millisecond)
		}
		w.record.AckLogged(w.record.Produced())
	}
	if set := w.record.Produced(); dropped() == 0 || set < values/2 {
		t.Errorf("%d values were set and %d dropped", set, dropped())
	}
	w.cancel()
	if err := <-w.done; err != nil {
		t.Error(err)
	}
}
