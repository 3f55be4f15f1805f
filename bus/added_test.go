package bus

import (
	"encoding/json"
	"fmt"
	"sync"
	"testing"

	"github.com/aimdb-go/aimdb/history"
	"github.com/aimdb-go/aimdb/records"
	"github.com/nats-io/nats.go"
)

// TestAddedRecordsAreLogged adds records from several goroutines while the republisher
// runs. The log has all their values in order, numbered from 1.
func TestAddedRecordsAreLogged(t *testing.T) {
	const adders, each, values = 8, 40, 5
	b, _, reg := running(t, setup{}, 1)
	var adding sync.WaitGroup
	for a := range adders {
		adding.Go(func() {
			for i := range each {
				h, err := reg.Add(fmt.Sprintf("added.%d.%d", a, i), records.Config{Kind: records.Ring, Capacity: values, Logged: true, Remote: i%2 == 0})
				if err != nil {
					t.Error(err)
					return
				}
				for v := range values {
					if err := h.Set(json.RawMessage(fmt.Sprint(v))); err != nil {
						t.Error(err)
					}
				}
			}
		})
	}
	adding.Wait()
	const n = adders * each * values
	if last, err := b.Flush(deadline(t), reg); err != nil || last != n+1 {
		t.Fatalf("the log ends at %d (%v), want %d", last, err, n+1)
	}
	last := map[string]uint64{}
	for _, m := range readAll(t, b, history.Position{}, n+1)[1:] {
		last[m.Record]++
		if m.Number != last[m.Record] || string(m.Value) != fmt.Sprint(m.Number-1) || m.Lost != 0 {
			t.Fatalf("value %d of %s is %s, number %d, after %d lost", last[m.Record], m.Record, m.Value, m.Number, m.Lost)
		}
	}
	if len(last) != adders*each {
		t.Errorf("the log has values of %d records, want %d", len(last), adders*each)
	}
	if left, err := b.NoteUnlogged(reg); len(left) > 0 || err != nil {
		t.Errorf("not logged: %v, %v", left, err)
	}
}

// TestAddedRecordIsLive: a subscription that is open when a record is added gets its first
// value, also if it is the first record at all.
func TestAddedRecordIsLive(t *testing.T) {
	b := open(t, setup{Listen: "127.0.0.1:0"})
	reg := registry(t)
	republish(t, b, reg)
	sub, err := outside(t, b).nc.SubscribeSync("aimdb.*.live.>")
	if err != nil {
		t.Fatal(err)
	}
	awaitInterest(t, b, "aimdb.test.live.a")
	for _, key := range []string{"a", "b::c"} {
		h, err := reg.Add(key, records.Config{Kind: records.Latest, Remote: true})
		if err != nil {
			t.Fatal(err)
		}
		if err := h.Set(json.RawMessage(`"first"`)); err != nil {
			t.Fatal(err)
		}
		m, err := sub.NextMsgWithContext(deadline(t))
		if err != nil || m.Header.Get(KeyHeader) != key || string(m.Data) != `"first"` {
			t.Fatalf("got %+v, %v", m, err)
		}
	}
}

// TestAddedRecordIsWatched: a record that is added before anybody subscribes to it is
// published after a subscription.
func TestAddedRecordIsWatched(t *testing.T) {
	b := open(t, setup{Listen: "127.0.0.1:0"})
	reg := registry(t)
	republish(t, b, reg)
	h, err := reg.Add("a", records.Config{Kind: records.Latest, Remote: true})
	if err != nil {
		t.Fatal(err)
	}
	nc := outside(t, b).nc
	got := make(chan *nats.Msg, 1)
	if _, err := nc.ChanSubscribe("aimdb.test.live.a", got); err != nil {
		t.Fatal(err)
	}
	awaitInterest(t, b, "aimdb.test.live.a")
	if err := b.AwaitLive(deadline(t)); err != nil {
		t.Fatal(err)
	}
	if err := h.Set(json.RawMessage(`1`)); err != nil {
		t.Fatal(err)
	}
	select {
	case <-got:
	case <-deadline(t).Done():
		t.Fatal("nothing came")
	}
}

func awaitInterest(t *testing.T, b testBus, subject string) {
	t.Helper()
	for ctx := deadline(t); !b.server.Subscribed(subject); {
		if ctx.Err() != nil {
			t.Fatal("the server does not know of the subscription")
		}
	}
}
