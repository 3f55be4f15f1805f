package mqtt_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/mochi-mqtt/server/v2/packets"

	"github.com/aimdb-go/aimdb"
	"github.com/aimdb-go/aimdb/mqtt"
)

func filter(f string, qos byte) packets.Subscription {
	return packets.Subscription{Filter: f, Qos: qos}
}

// TestSubscribe: a subscriber gets the newest value as retained and then each one in order.
func TestSubscribe(t *testing.T) {
	var lamp, air, odd *aimdb.Record[int]
	h := open(t, mqtt.Config{}, func(db *aimdb.DB) {
		lamp = register[int](t, db, "attic::lamp", aimdb.Latest(), aimdb.Remote())
		air = register[int](t, db, "attic.air", aimdb.Ring(1000), aimdb.Remote())
		odd = register[int](t, db, "a/b.50%.x+y", aimdb.Ring(1000), aimdb.Remote())
		register[int](t, db, "attic.private", aimdb.Ring(10)).Produce(1)
		register[int](t, db, "attic.empty", aimdb.Ring(10), aimdb.Remote())
	})
	lamp.Produce(1)
	air.Produce(2)
	odd.Produce(3)
	for _, version := range []byte{4, 5} {
		for qos := range byte(3) {
			d, _ := connect(t, h.address, version, "", nil)
			ack := d.subscribe(1, filter("aimdb/home/records/attic/air", qos))
			if want := []byte{min(qos, 1)}; !slices.Equal(ack.ReasonCodes, want) {
				t.Errorf("SUBACK %v, want %v", ack.ReasonCodes, want)
			}
			d.wantValue("aimdb/home/records/attic/air", "2", true)
			for i := range 500 {
				air.Produce(i)
			}
			for i := range 500 {
				if pk := d.wantValue("aimdb/home/records/attic/air", fmt.Sprint(i), false); pk.FixedHeader.Qos != min(qos, 1) {
					t.Fatalf("QoS %d", pk.FixedHeader.Qos)
				}
			}
			air.Produce(2)
			d.wantValue("aimdb/home/records/attic/air", "2", false)
			d.subscribe(2, filter("aimdb/+/records/a%2Fb/#", 0))
			d.wantValue("aimdb/home/records/a%2Fb/50%25/x%2By", "3", true)
			d.subscribe(3, filter("aimdb/home/records/+/lamp", 0))
			d.wantValue("aimdb/home/records/attic/lamp", "1", true)
			d.send(packets.Packet{FixedHeader: packets.FixedHeader{Type: packets.Unsubscribe}, PacketID: 4, Filters: packets.Subscriptions{filter("aimdb/home/records/attic/air", 0)}})
			d.want(packets.Unsuback)
			air.Produce(2)
			lamp.Produce(1)
			d.wantValue("aimdb/home/records/attic/lamp", "1", false)
		}
	}
	d, _ := connect(t, h.address, 4, "", nil)
	d.subscribe(1, filter("#", 1))
	got := map[string]string{}
	for range 3 {
		pk := d.want(packets.Publish)
		got[pk.TopicName] = string(pk.Payload)
		d.ack(packets.Puback, pk.PacketID)
	}
	if len(got) != 3 || got["aimdb/home/records/attic/air"] != "2" {
		t.Errorf("'#' selects %v", got)
	}
	added, err := aimdb.AddJSON(h.db, "cellar.late", aimdb.Ring(10), aimdb.Remote())
	check(t, err)
	check(t, added.Set(json.RawMessage("9")))
	d.wantValue("aimdb/home/records/cellar/late", "9", false)
}

// TestSubscribeWhileProducing: between the retained value and those that follow there is
// neither a gap nor a repetition.
func TestSubscribeWhileProducing(t *testing.T) {
	var air *aimdb.Record[int]
	h := open(t, mqtt.Config{}, func(db *aimdb.DB) {
		air = register[int](t, db, "air", aimdb.Ring(1<<20), aimdb.Remote())
	})
	stop, stopped := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		for i := 0; ; i++ {
			select {
			case <-stop:
				return
			default:
				air.Produce(i)
			}
			if i%16 == 0 {
				time.Sleep(50 * time.Microsecond) // as fast as a subscriber can follow
			}
		}
	}()
	defer func() { close(stop); <-stopped }()
	await(t, "nothing is produced", func() bool { _, ok := air.Latest(); return ok })
	for range 20 {
		d, _ := connect(t, h.address, 4, "", nil)
		d.subscribe(1, filter("aimdb/home/records/air", 0))
		var first int
		for i := range 200 {
			pk := d.want(packets.Publish)
			var n int
			_, err := fmt.Sscan(string(pk.Payload), &n)
			check(t, err)
			if i == 0 {
				first = n
			}
			if n != first+i || pk.FixedHeader.Retain != (i == 0) {
				t.Fatalf("message %d is %d after the retained %d", i, n, first)
			}
		}
		check(t, d.conn.Close())
	}
}

// TestOverlappingFilters: the newest value that a second filter asks for comes in its place among
// those that the first one has, and once, however often it is asked for.
func TestOverlappingFilters(t *testing.T) {
	var air *aimdb.Record[int]
	h := open(t, mqtt.Config{}, func(db *aimdb.DB) {
		air = register[int](t, db, "air", aimdb.Ring(1000), aimdb.Remote())
	})
	d, _ := connect(t, h.address, 5, "", func(pk *packets.Packet) { pk.Properties.ReceiveMaximum = 1 })
	d.subscribe(1, filter("aimdb/home/records/air", 1))
	air.Produce(0)
	first := d.want(packets.Publish) // it is not acknowledged, and the others wait
	for i := range 100 {
		air.Produce(i + 1)
	}
	for id := range uint16(3) {
		d.subscribe(id+2, filter("aimdb/home/records/#", 1))
	}
	d.ack(packets.Puback, first.PacketID)
	for i := range 100 {
		d.wantValue("aimdb/home/records/air", fmt.Sprint(i+1), false)
	}
	d.wantValue("aimdb/home/records/air", "100", true)
	air.Produce(101)
	d.wantValue("aimdb/home/records/air", "101", false)
	d.subscribe(5, filter("aimdb/+/records/#", 1)) // nothing waits
	d.wantValue("aimdb/home/records/air", "101", true)
}

// TestFiltersNotKept: filters that are refused take no memory, and the answer to UNSUBSCRIBE is
// that of the session, also over a later connection.
func TestFiltersNotKept(t *testing.T) {
	h := open(t, mqtt.Config{Limits: mqtt.Limits{Subscriptions: 2}}, rooms(t))
	var all packets.Subscriptions
	for i := range 10_000 {
		all = append(all, filter(fmt.Sprint("f/", i), 0))
	}
	d, _ := connect(t, h.address, 5, "one", lasting(600))
	ack := d.subscribe(1, all...)
	for i, code := range ack.ReasonCodes {
		if want := byte(0); i >= 2 && code != 0x97 || i < 2 && code != want {
			t.Fatalf("filter %d has the code %#x", i, code)
		}
	}
	if n := h.server.LibraryFilters(); n != 0 {
		t.Errorf("the library keeps %d filters", n)
	}
	if n := h.server.Counts().Refused["subscription"]; n != 9_998 {
		t.Errorf("%d filters are counted as refused", n)
	}
	for i, want := range [][]byte{{0, 0x11}, {0x11, 0, 0x11}} {
		d.send(packets.Packet{FixedHeader: packets.FixedHeader{Type: packets.Unsubscribe}, PacketID: 2, Filters: append(all[:i+1:i+1], all[5])})
		if got := d.want(packets.Unsuback).ReasonCodes; !slices.Equal(got, want) {
			t.Errorf("UNSUBACK %#x, want %#x", got, want)
		}
		d, _ = connect(t, h.address, 5, "one", lasting(600))
	}
}

// TestSlowSubscriber: one that does not keep up is disconnected and counted, and holds
// nobody up.
func TestSlowSubscriber(t *testing.T) {
	var air *aimdb.Record[string]
	h := open(t, mqtt.Config{Limits: mqtt.Limits{WriteTimeout: 200 * time.Millisecond}}, func(db *aimdb.DB) {
		air = register[string](t, db, "air", aimdb.Ring(64), aimdb.Remote())
	})
	slow, _ := connect(t, h.address, 5, "slow", nil)
	slow.subscribe(1, filter("aimdb/home/records/air", 0))
	value := string(slices.Repeat([]byte("x"), 10_000))
	await(t, "the slow client is not disconnected", func() bool {
		air.Produce(value)
		return h.server.Counts().Refused["slow"] == 1
	})
	await(t, "its session stays", func() bool { return h.server.Counts().Sessions == 0 })
}

// TestResumeSession: values that came while the client was away follow when it comes back, in
// order; what its ring no longer has is counted and told.
func TestResumeSession(t *testing.T) {
	var air, live *aimdb.Record[int]
	h := open(t, mqtt.Config{}, func(db *aimdb.DB) {
		air = register[int](t, db, "air", aimdb.Ring(16), aimdb.Remote())
		live = register[int](t, db, "live", aimdb.Ring(16), aimdb.Remote())
	})
	lasting := func(pk *packets.Packet) {
		pk.Connect.Clean = false
		pk.Properties.SessionExpiryInterval, pk.Properties.SessionExpiryIntervalFlag = 600, true
	}
	for _, version := range []byte{4, 5} {
		id := fmt.Sprint("lasting", version)
		d, ack := connect(t, h.address, version, id, lasting)
		if ack.SessionPresent {
			t.Fatal("a new client has a session")
		}
		d.subscribe(1, filter("aimdb/home/records/air", 1), filter("aimdb/home/records/live", 0))
		for _, n := range []int{100, 1} { // SUBACK comes first, so that 100 may come as retained
			air.Produce(n)
			for found := false; !found; {
				pk := d.want(packets.Publish)
				found = pk.TopicName == "aimdb/home/records/air" && string(pk.Payload) == fmt.Sprint(n)
				if pk.FixedHeader.Qos == 1 && !(found && n == 1) {
					d.ack(packets.Puback, pk.PacketID)
				}
			}
		}
		check(t, d.conn.Close()) // it has not acknowledged 1
		await(t, "the client is still there", func() bool { return h.server.Counts().Clients == 0 })
		air.Produce(2)
		air.Produce(3)
		live.Produce(4)
		d, ack = connect(t, h.address, version, id, lasting)
		if !ack.SessionPresent {
			t.Fatal("the session is gone")
		}
		if pk := d.wantValue("aimdb/home/records/air", "1", false); !pk.FixedHeader.Dup {
			t.Error("the message that was sent again has no DUP")
		}
		d.wantValue("aimdb/home/records/air", "2", false)
		d.wantValue("aimdb/home/records/air", "3", false)
		live.Produce(5)
		d.wantValue("aimdb/home/records/live", "5", false)
		check(t, d.conn.Close())
		await(t, "the client is still there", func() bool { return h.server.Counts().Clients == 0 })
		missed := h.server.Counts().Missed
		for i := range 20 {
			air.Produce(i)
		}
		d, _ = connect(t, h.address, version, id, lasting)
		if pk := d.wantValue("aimdb/home/records/air", "4", false); version == 5 && (len(pk.Properties.User) != 1 || pk.Properties.User[0].Val != "4") {
			t.Errorf("the gap is told as %+v", pk.Properties.User)
		}
		if got := h.server.Counts().Missed - missed; got != 4 {
			t.Errorf("%d values are counted as missed, want 4", got)
		}
		for i := range 15 {
			d.wantValue("aimdb/home/records/air", fmt.Sprint(i+5), false)
		}
		d, ack = connect(t, h.address, version, id, nil) // clean, and while it is connected
		if ack.SessionPresent {
			t.Error("a clean client has a session")
		}
		d.subscribe(1, filter("aimdb/home/records/air", 1))
		d.wantValue("aimdb/home/records/air", "19", true)
		check(t, d.conn.Close())
		await(t, "a session without expiry stays", func() bool { return h.server.Counts().Sessions == 0 })
	}
}

// TestTakeover: the connection that comes last has the client ID, and a message of QoS 2 that
// is sent again is set once.
func TestTakeover(t *testing.T) {
	h := open(t, mqtt.Config{}, rooms(t))
	lasting := func(pk *packets.Packet) {
		pk.Connect.Clean = false
		pk.Properties.SessionExpiryInterval, pk.Properties.SessionExpiryIntervalFlag = 600, true
	}
	first, _ := connect(t, h.address, 5, "one", lasting)
	first.publish(2, 5, "aimdb/home/set/attic/lamp", "1")
	first.want(packets.Pubrec)
	second, ack := connect(t, h.address, 5, "one", lasting)
	if got := first.wantClosed(); got != 0x8e || !ack.SessionPresent {
		t.Errorf("closed with %#x; the session is present: %v", got, ack.SessionPresent)
	}
	second.publish(2, 5, "aimdb/home/set/attic/lamp", "1")
	if got := second.want(packets.Pubrec); got.ReasonCode != 0 {
		t.Errorf("PUBREC with %#x", got.ReasonCode)
	}
	second.ack(packets.Pubrel, 5)
	second.want(packets.Pubcomp)
	if c := h.server.Counts(); c.Published != 1 || c.Duplicates != 1 || c.Clients != 1 {
		t.Errorf("counted %+v", c)
	}
}
