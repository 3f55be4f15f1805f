package aimdb_test

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"go.uber.org/goleak"

	"github.com/aimdb-go/aimdb"
	"github.com/aimdb-go/aimdb/aimx"
)

// Values and names of private records have these texts, those of the others open.
const secretValue, secretName, openValue = "s3cret", "vault", "0pen"

// house is a database with private and open records, and its values.
type house struct {
	db      *aimdb.DB
	records []*aimdb.Record[string]
	n       int
}

// openHouse opens a database in a directory. Its record vault.old is private only if
// the others are.
func openHouse(t *testing.T, dir string, remote bool, opts ...aimdb.Option) (*house, func()) {
	t.Helper()
	h := &house{db: open(t, dir, append([]aimdb.Option{aimdb.Name("hub"), aimdb.NATS("127.0.0.1:0")}, opts...)...)}
	persisted := []aimdb.RecordOption{aimdb.Ring(100), aimdb.Persist()}
	old := persisted
	if remote {
		old = append(old[:2:2], aimdb.Remote())
	}
	h.records = []*aimdb.Record[string]{
		register[string](t, h.db, "vault::old", old...),
		register[string](t, h.db, "vault.logged", persisted...),
		register[string](t, h.db, "vault::plain", aimdb.Ring(100)),
		register[string](t, h.db, "hall::logged", append(persisted[:2:2], aimdb.Remote())...),
		register[string](t, h.db, "hall::plain", aimdb.Ring(100), aimdb.Remote()),
	}
	return h, start(t, h.db)
}

// produce makes one value of every record.
func (h *house) produce(t *testing.T) {
	h.n++
	for _, r := range h.records {
		text := openValue
		if strings.HasPrefix(r.Key(), secretName) {
			text = secretValue
		}
		r.Produce(fmt.Sprint(text, h.n))
	}
	if err := h.db.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// TestPrivateRecordsLeaveByNoDoor: nothing that a client can ask for has the value of
// a private record, nor its name; and the values of a Remote record do leave. The
// gateway's lists of records name all, with their settings, as AimX wants it.
func TestPrivateRecordsLeaveByNoDoor(t *testing.T) {
	defer goleak.VerifyNone(t)
	dir := t.TempDir()
	before, stop := openHouse(t, dir, true) // when vault.old was Remote
	before.produce(t)
	stop()
	socket := filepath.Join(dir, "s")
	var said bytes.Buffer
	h, stop := openHouse(t, dir, false, aimdb.Gateway(socket), aimdb.HTTP("127.0.0.1:0", nil),
		aimdb.Logger(slog.New(slog.NewTextHandler(&said, nil))))
	h.produce(t)
	web := "http://" + h.db.Addresses().HTTP
	for _, door := range []struct {
		name string
		open string // what must leave
		pass func(t *testing.T, h *house) string
	}{
		{"AimX, unix", openValue, aimxDoor(socket)},
		{"AimX, WebSocket", openValue, aimxDoor("ws" + strings.TrimPrefix(web, "http") + "/ws")},
		{"subscription, unix", openValue, watchDoor(socket)},
		{"subscription, WebSocket", openValue, watchDoor("ws" + strings.TrimPrefix(web, "http") + "/ws")},
		{"web server", "ok", func(t *testing.T, _ *house) string { return pages(t, web) }},
		{"handler", "ok", func(t *testing.T, h *house) string {
			mounted := httptest.NewServer(h.db.Handler())
			defer mounted.Close()
			return pages(t, mounted.URL)
		}},
		{"NATS subscription, log", openValue, subscriptionDoor("aimdb.hub.log.>")},
		{"NATS subscription, live", openValue, subscriptionDoor("aimdb.hub.live.>")},
		{"NATS subscription, kinds", openValue, subscriptionDoor("aimdb.hub.*.>")},
		{"NATS subscription, databases", openValue, subscriptionDoor("aimdb.*.*.>")},
		{"NATS subscriptions to what is closed", openValue, spyDoor},
		{"NATS consumer", openValue, consumerDoor(func(t *testing.T, js jetstream.JetStream) (jetstream.Consumer, error) {
			return js.CreateConsumer(t.Context(), "AIMDB_hub", jetstream.ConsumerConfig{FilterSubject: "aimdb.hub.log.>"})
		})},
		{"NATS ordered consumer", openValue, consumerDoor(func(t *testing.T, js jetstream.JetStream) (jetstream.Consumer, error) {
			return js.OrderedConsumer(t.Context(), "AIMDB_hub", jetstream.OrderedConsumerConfig{FilterSubjects: []string{"aimdb.hub.log.>"}})
		})},
		{"NATS stream", openValue, streamDoor},
	} {
		t.Run(door.name, func(t *testing.T) {
			left := door.pass(t, h)
			if strings.Contains(left, secretValue) || strings.Contains(left, secretName) {
				t.Errorf("a private record leaves: %s", left)
			}
			if !strings.Contains(left, door.open) {
				t.Errorf("nothing of the Remote record leaves: %s", left)
			}
		})
	}
	// The history has all.
	for _, key := range []string{"vault::old", "vault.logged"} {
		rows, err := aimdb.QueryRange[string](t.Context(), h.db, key, time.Time{}, time.Time{})
		if err != nil || len(rows) != 1+h.n {
			t.Errorf("%d rows of %s, want %d (%v)", len(rows), key, 1+h.n, err)
		}
	}
	stop()
	if n := strings.Count(said.String(), "private now"); n != 1 {
		t.Errorf("the log tells an operator %d times what is closed, want once", n)
	}
}

// TestARecordThatBecomesRemote: what was private stays so.
func TestARecordThatBecomesRemote(t *testing.T) {
	defer goleak.VerifyNone(t)
	dir := t.TempDir()
	h, stop := openHouse(t, dir, false)
	h.records[0].Produce("private then")
	h.produce(t)
	stop()
	h, stop = openHouse(t, dir, true)
	defer stop()
	h.records[0].Produce("Remote now")
	if err := h.db.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	left := consumerDoor(func(t *testing.T, js jetstream.JetStream) (jetstream.Consumer, error) {
		return js.CreateConsumer(t.Context(), "AIMDB_hub", jetstream.ConsumerConfig{FilterSubject: "aimdb.hub.log.>"})
	})(t, h)
	if strings.Contains(left, "private then") || strings.Contains(left, secretValue+"1") || !strings.Contains(left, "Remote now") {
		t.Errorf("a consumer read %s", left)
	}
}

// aimxDoor calls each method that answers with values, for the private records and
// for all.
func aimxDoor(endpoint string) func(*testing.T, *house) string {
	return func(t *testing.T, _ *house) string {
		c, err := aimx.Dial(t.Context(), endpoint)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = c.Close() }()
		var left strings.Builder
		for _, method := range []string{"record.get", "record.drain", "record.query", "history.page", "history.buckets", "history.stats", "sink.list"} {
			for _, name := range []string{"vault::old", "vault.old", "vault::logged", "vault::plain", "vault.*", "hall::logged", "#"} {
				for _, form := range []string{"", "cursor", "bucket"} {
					params := map[string]any{"name": name, "pattern": name, "limit": 9, "width": 1}
					switch form {
					case "cursor":
						params[form] = ""
					case "bucket":
						params[form] = map[string]int{"width": 1}
					}
					answer, err := c.Call(t.Context(), method, params)
					if err != nil { // it may name the request
						answer = []byte(strings.ReplaceAll(err.Error(), name, "…"))
					}
					fmt.Fprintln(&left, method, form, strings.ReplaceAll(name, secretName, "…"), string(answer))
				}
			}
		}
		return left.String()
	}
}

// watchDoor subscribes to private records and to all, and produces.
func watchDoor(endpoint string) func(*testing.T, *house) string {
	return func(t *testing.T, h *house) string {
		c, err := aimx.Dial(t.Context(), endpoint)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = c.Close() }()
		watches := map[string]*aimx.Watch{}
		for _, topic := range []string{"vault::old", "vault.*", "vault::plain", "#"} {
			w, err := c.Watch(t.Context(), topic)
			if err == nil { // on a socket, a private record is refused
				watches[topic] = w
			}
		}
		h.produce(t)
		if err := c.Ping(t.Context()); err != nil {
			t.Fatal(err)
		}
		var left strings.Builder
		for topic, w := range watches {
			for want := 0; ; {
				ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
				if topic == "#" && want == 0 { // something must come
					cancel()
					ctx, cancel = context.WithTimeout(t.Context(), time.Minute)
				}
				u, err := w.Next(ctx)
				cancel()
				if err != nil {
					break
				}
				want++
				fmt.Fprintln(&left, u.Topic, string(u.Data))
			}
		}
		return left.String()
	}
}

func pages(t *testing.T, url string) string {
	var left strings.Builder
	for _, path := range []string{"/health", "/version", "/", "/ws"} {
		_, body := fetch(t, url+path, "localhost")
		fmt.Fprintln(&left, path, body)
	}
	return left.String()
}

// outsider is a NATS client from outside.
func outsider(t *testing.T, h *house) (*nats.Conn, jetstream.JetStream) {
	t.Helper()
	nc, err := nats.Connect("nats://" + h.db.Addresses().NATS)
	if err != nil {
		t.Fatal(err)
	}
	js, err := jetstream.New(nc)
	if err != nil {
		t.Fatal(err)
	}
	return nc, js
}

// subscriptionDoor produces until a value of an open record comes.
func subscriptionDoor(subject string) func(*testing.T, *house) string {
	return func(t *testing.T, h *house) string {
		nc, _ := outsider(t, h)
		defer nc.Close()
		sub, err := nc.SubscribeSync(subject)
		if err == nil {
			err = nc.Flush()
		}
		if err != nil {
			t.Fatal(err)
		}
		var left strings.Builder
		for range 2 {
			for came := false; !came; { // live values begin with a delay
				h.produce(t)
				m, err := sub.NextMsg(20 * time.Millisecond)
				for ; err == nil; m, err = sub.NextMsg(20 * time.Millisecond) {
					fmt.Fprintln(&left, m.Subject, m.Header, string(m.Data))
					came = true
				}
			}
		}
		return left.String()
	}
}

// spyDoor subscribes to what a client may not read, and sees values of the open record only by
// the subscription that is a control.
func spyDoor(t *testing.T, h *house) string {
	nc, _ := outsider(t, h)
	defer nc.Close()
	come := make(chan *nats.Msg, 10_000)
	for _, subject := range []string{
		"aimdb.hub.private.>", "aimdb.hub.private.vault.logged", "aimdb.hub.*.vault.>", "aimdb.*.private.>", "aimdb.hub.loss.>", "aimdb.hub.set.>",
		">", "aimdb.>", "*.*.*.*.*", "_INBOX.>", "$JS.>", "$JS.ACK.>", "$SYS.>", "aimdb.hub.log.hall.logged",
	} {
		if _, err := nc.ChanSubscribe(subject, come); err != nil {
			t.Fatal(err)
		}
	}
	if err := nc.Flush(); err != nil {
		t.Fatal(err)
	}
	for range 20 {
		h.produce(t)
	}
	want := fmt.Sprint(openValue, h.n)
	var left strings.Builder
	for !strings.Contains(left.String(), want) { // all before it have come
		select {
		case m := <-come:
			fmt.Fprintln(&left, m.Subject, m.Header, string(m.Data))
		case <-t.Context().Done():
			t.Fatal(left.String())
		case <-time.After(time.Minute):
			t.Fatal("the control has not come: " + left.String())
		}
	}
	return left.String()
}

func consumerDoor(create func(*testing.T, jetstream.JetStream) (jetstream.Consumer, error)) func(*testing.T, *house) string {
	return func(t *testing.T, h *house) string {
		nc, js := outsider(t, h)
		defer nc.Close()
		c, err := create(t, js)
		if err != nil {
			t.Fatal(err)
		}
		var left strings.Builder
		batch, err := c.FetchNoWait(1000)
		if err != nil {
			t.Fatal(err)
		}
		for m := range batch.Messages() {
			fmt.Fprintln(&left, m.Subject(), m.Headers(), string(m.Data()))
		}
		if batch.Error() != nil {
			t.Fatal(batch.Error())
		}
		return left.String()
	}
}

// streamDoor reads single messages and the state of the stream.
func streamDoor(t *testing.T, h *house) string {
	nc, js := outsider(t, h)
	defer nc.Close()
	stream, err := js.Stream(t.Context(), "AIMDB_hub")
	if err != nil {
		t.Fatal(err)
	}
	var left strings.Builder
	show := func(m *jetstream.RawStreamMsg, err error) {
		if err != nil {
			return
		}
		fmt.Fprintln(&left, m.Subject, m.Header, string(m.Data))
	}
	for sequence := range stream.CachedInfo().State.LastSeq + 1 {
		show(stream.GetMsg(t.Context(), sequence))
		show(stream.GetMsg(t.Context(), sequence, jetstream.WithGetMsgSubject("aimdb.hub.>")))
	}
	for _, subject := range []string{"aimdb.hub.log.vault.old", "aimdb.hub.private.vault.old", "aimdb.hub.private.vault.logged", "aimdb.hub.log.hall.logged"} {
		show(stream.GetLastMsgForSubject(t.Context(), subject))
	}
	for _, filter := range []string{">", "aimdb.hub.private.>", "aimdb.hub.log.>", "aimdb.hub.log.hall.>"} {
		if info, err := stream.Info(t.Context(), jetstream.WithSubjectFilter(filter), jetstream.WithDeletedDetails(true)); err == nil {
			fmt.Fprintln(&left, info.State.Subjects)
		}
	}
	list := js.ListStreams(t.Context())
	for info := range list.Info() {
		fmt.Fprintf(&left, "%+v\n", info)
	}
	if list.Err() != nil {
		t.Fatal(list.Err())
	}
	return left.String()
}
