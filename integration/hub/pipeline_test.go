package hub

import (
	"encoding/json"
	"fmt"
	"testing"

	"github.com/nats-io/nats.go"
	"go.uber.org/goleak"

	"github.com/aimdb-go/aimdb"
	"github.com/aimdb-go/aimdb/history"
)

// A value goes from Produce through the log into the history, and comes back
// over both transports of the gateway.
func TestWriteToHistoryToRemoteQuery(t *testing.T) {
	defer goleak.VerifyNone(t, goleak.IgnoreCurrent()) // the server of other tests
	var vienna *aimdb.Record[numbered]
	h := openHub(t, t.TempDir(), func(db *aimdb.DB) {
		vienna = mustRegister[numbered](t, db, "accuracy::vienna", aimdb.Ring(8), aimdb.Persist(), aimdb.Remote())
	})
	for n := 1; n <= 5; n++ {
		vienna.Produce(numbered{n})
	}
	if err := h.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	for name, endpoint := range h.endpoints() {
		client := dial(t, endpoint)
		for _, pattern := range []string{"accuracy::*", "accuracy.#", "accuracy::vienna", "#"} {
			rows, err := client.Query(t.Context(), pattern, 3, history.Window{})
			if err != nil {
				t.Fatalf("%s: query %s: %v", name, pattern, err)
			}
			var got []string
			for _, row := range rows {
				got = append(got, row.Record+string(row.Value))
			}
			want := `[accuracy::vienna{"n":3} accuracy::vienna{"n":4} accuracy::vienna{"n":5}]`
			if fmt.Sprint(got) != want {
				t.Errorf("%s: query %s: %v, want %s", name, pattern, got, want)
			}
		}
		if err := client.Close(); err != nil {
			t.Errorf("%s: close: %v", name, err)
		}
	}
	h.stop()
}

// A NATS client that knows nothing of us sees the values under the documented
// subjects, as plain JSON.
func TestNATSClientSeesTheValues(t *testing.T) {
	t.Parallel()
	var logged, live *aimdb.Record[numbered]
	h := openHub(t, t.TempDir(), func(db *aimdb.DB) {
		logged = mustRegister[numbered](t, db, "accuracy::new_york", aimdb.Ring(8), aimdb.Persist(), aimdb.Remote())
		live = mustRegister[numbered](t, db, "temp::new_york", aimdb.Ring(8), aimdb.Remote())
	})
	nc, err := nats.Connect("nats://" + h.Addresses().NATS)
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	sub, err := nc.SubscribeSync("aimdb.hub.*.*.new_york")
	if err != nil {
		t.Fatal(err)
	}
	if err := nc.Flush(); err != nil {
		t.Fatal(err)
	}
	logged.Produce(numbered{1})
	m := nextMessage(t, sub)
	if m.Subject != "aimdb.hub.log.accuracy.new_york" || string(m.Data) != `{"n":1}` || m.Header.Get("Aimdb-Key") != "accuracy::new_york" {
		t.Errorf("the log: %s %s %v", m.Subject, m.Data, m.Header)
	}
	// A listener is noticed a moment after it subscribes; values before that
	// are not sent to anybody.
	for n := 1; ; n++ {
		live.Produce(numbered{n})
		m, err := sub.NextMsg(patience / 600)
		if err != nil && n < 600 {
			continue
		}
		if err != nil {
			t.Fatalf("no live value: %v", err)
		}
		if m.Subject != "aimdb.hub.live.temp.new_york" || !json.Valid(m.Data) {
			t.Errorf("live: %s %s", m.Subject, m.Data)
		}
		return
	}
}

func nextMessage(t *testing.T, sub *nats.Subscription) *nats.Msg {
	t.Helper()
	m, err := sub.NextMsg(patience)
	if err != nil {
		t.Fatal(err)
	}
	return m
}
