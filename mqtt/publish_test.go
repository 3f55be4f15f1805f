package mqtt_test

import (
	"database/sql"
	"fmt"
	"testing"

	"github.com/mochi-mqtt/server/v2/packets"

	"github.com/aimdb-go/aimdb"
	"github.com/aimdb-go/aimdb/mqtt"
)

// rooms registers the records of most tests.
func rooms(t testing.TB) func(*aimdb.DB) {
	return func(db *aimdb.DB) {
		register[reading](t, db, "attic.air", aimdb.Ring(64), aimdb.Persist(), aimdb.Writable())
		register[int](t, db, "attic::lamp", aimdb.Latest(), aimdb.Persist(), aimdb.Writable())
		register[int](t, db, "a/b.50%.x+y", aimdb.Ring(64), aimdb.Persist(), aimdb.Writable())
		register[int](t, db, "attic.closed", aimdb.Latest(), aimdb.Remote())
		register[int](t, db, "attic.private", aimdb.Latest())
	}
}

const air = `{"city":"x","celsius":1}`

// TestPublish: a value is acknowledged once the log has it, in each version and QoS.
func TestPublish(t *testing.T) {
	h := open(t, mqtt.Config{}, rooms(t))
	for _, version := range []byte{3, 4, 5} {
		d, ack := connect(t, h.address, version, "", func(pk *packets.Packet) {
			if version == 3 {
				pk.Connect.ProtocolName = []byte("MQIsdp")
				pk.Connect.ClientIdentifier = "old"
			}
		})
		if ack.ReasonCode != 0 || ack.SessionPresent {
			t.Fatalf("CONNACK %+v", ack)
		}
		d.publish(0, 0, "aimdb/home/set/attic/lamp", "1")
		d.publish(1, 7, "aimdb/home/set/attic/lamp", "2")
		d.publish(1, 8, "aimdb/home/set/a%2Fb/50%25/x%2By", "3")
		d.publish(2, 9, "aimdb/home/set/attic/air", air)
		for _, id := range []uint16{7, 8} {
			if got := d.want(packets.Puback); got.PacketID != id || got.ReasonCode != 0 {
				t.Errorf("PUBACK %d with %#x; want %d", got.PacketID, got.ReasonCode, id)
			}
		}
		d.want(packets.Pubrec)
		d.publish(2, 9, "aimdb/home/set/attic/air", air) // lost the PUBREC
		if got := d.want(packets.Pubrec); got.PacketID != 9 || got.ReasonCode != 0 {
			t.Errorf("the PUBREC of a repeated message is %d with %#x", got.PacketID, got.ReasonCode)
		}
		d.ack(packets.Pubrel, 9)
		if got := d.want(packets.Pubcomp); got.PacketID != 9 || got.ReasonCode != 0 {
			t.Errorf("PUBCOMP %d with %#x", got.PacketID, got.ReasonCode)
		}
	}
	if c := h.server.Counts(); c.Published != 12 || c.Acknowledged != 12 || c.Duplicates != 3 || len(c.Refused) > 0 {
		t.Errorf("counted %+v", c)
	}
	h.stop()
	for name, want := range map[string]int{"attic::lamp": 6, "a/b.50%.x+y": 3, "attic.air": 3} {
		if got := stored(t, h.history, name); got != want {
			t.Errorf("%d rows of %s; want %d", got, name, want)
		}
	}
}

// stored returns how many rows of a record a history has.
func stored(t testing.TB, history, record string) (n int) {
	t.Helper()
	db, err := sql.Open("sqlite", history)
	check(t, err)
	defer func() { check(t, db.Close()) }()
	check(t, db.QueryRow(`SELECT count(*) FROM record_history WHERE record_name = ?`, record).Scan(&n))
	return n
}

// TestRefusedPublications: a refusal is counted by its cause and ends the connection, with
// the reason in MQTT 5, after the acknowledgement of what came before.
func TestRefusedPublications(t *testing.T) {
	h := open(t, mqtt.Config{Limits: mqtt.Limits{PacketBytes: 1000}}, rooms(t))
	for _, c := range []struct {
		topic, value, cause string
		code                byte
	}{
		{"aimdb/home/set/attic/closed", "1", "denied", 0x87},
		{"aimdb/home/set/attic/private", "1", "denied", 0x87},
		{"aimdb/home/set/attic/absent", "1", "unknown", 0x87},
		{"aimdb/home/set/attic/lamp", `"on"`, "invalid", 0x99},
		{"aimdb/home/set/attic/lamp", `NaN`, "invalid", 0x99},
		{"aimdb/home/set/attic/lamp", ``, "invalid", 0x99},
		{"aimdb/home/set/attic/air", `{"city":"x"}`, "invalid", 0x99},
		{"aimdb/home/set/attic.lamp", "1", "topic", 0x90},
		{"aimdb/home/set/attic::lamp", "1", "topic", 0x90},
		{"aimdb/home/set/attic//lamp", "1", "topic", 0x90},
		{"aimdb/home/set/attic/%6Camp", "1", "topic", 0x90},
		{"aimdb/home/set/", "1", "topic", 0x90},
		{"aimdb/home/records/attic/lamp", "1", "topic", 0x90},
		{"aimdb/other/set/attic/lamp", "1", "topic", 0x90},
		{"attic/lamp", "1", "topic", 0x90},
		{"$SYS/broker", "1", "topic", 0x90},
		{"aimdb/home/set/attic/+", "1", "topic", 0x90},
		{"aimdb/home/set/attic/#", "1", "topic", 0x90},
	} {
		for _, version := range []byte{4, 5} {
			for qos := range byte(3) {
				before := h.server.Counts()
				d, _ := connect(t, h.address, version, "", nil)
				d.publish(1, 1, "aimdb/home/set/attic/lamp", "5")
				d.publish(qos, min(uint16(qos), 1)*2, c.topic, c.value)
				d.publish(1, 3, "aimdb/home/set/attic/lamp", "6")
				d.want(packets.Puback)
				want := c.code
				if version == 4 {
					want = 0
				}
				if got := d.wantClosed(); got != want {
					t.Errorf("%s %s: closed with %#x, want %#x", c.topic, c.value, got, want)
				}
				await(t, "the refusal is not counted", func() bool { return h.server.Counts().Refused[c.cause] == before.Refused[c.cause]+1 })
				if after := h.server.Counts(); after.Published != before.Published+1 {
					t.Errorf("%s %s: %d values were set", c.topic, c.value, after.Published-before.Published)
				}
			}
		}
	}
}

// TestReceiveMaximum: a client may send as many messages at once as it was told.
func TestReceiveMaximum(t *testing.T) {
	h := open(t, mqtt.Config{Limits: mqtt.Limits{InFlight: 10}}, rooms(t))
	d, ack := connect(t, h.address, 5, "", nil)
	if p := ack.Properties; p.ReceiveMaximum != 10 || p.MaximumPacketSize != 256<<10 {
		t.Errorf("CONNACK tells %+v", p)
	}
	for round := range 20 {
		for id := range uint16(10) {
			d.publish(1, id+1, "aimdb/home/set/a%2Fb/50%25/x%2By", fmt.Sprint(round))
		}
		for id := range uint16(10) {
			if got := d.want(packets.Puback).PacketID; got != id+1 {
				t.Fatalf("PUBACK %d, want %d", got, id+1)
			}
		}
	}
	old, _ := connect(t, h.address, 4, "", nil) // is not told, and waits
	const many = 500
	go func() {
		for id := range uint16(many) {
			old.publish(1, id+1, "aimdb/home/set/a%2Fb/50%25/x%2By", "1")
		}
	}()
	for id := range uint16(many) {
		if got := old.want(packets.Puback).PacketID; got != id+1 {
			t.Fatalf("PUBACK %d, want %d", got, id+1)
		}
	}
}
