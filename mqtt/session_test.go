package mqtt_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/mochi-mqtt/server/v2/packets"

	"github.com/aimdb-go/aimdb/mqtt"
)

// lasting makes a CONNECT ask for a session of so many seconds.
func lasting(seconds uint32) func(*packets.Packet) {
	return func(pk *packets.Packet) {
		pk.Connect.Clean = false
		pk.Properties.SessionExpiryInterval, pk.Properties.SessionExpiryIntervalFlag = seconds, true
	}
}

// TestSessionExpiry: a session ends after the time that its client asked for, or that the
// server allows, and only so many are kept.
func TestSessionExpiry(t *testing.T) {
	t.Parallel()
	h := open(t, mqtt.Config{Limits: mqtt.Limits{Sessions: 2, SessionExpiry: 2 * time.Second}}, rooms(t))
	var lost time.Time
	for _, seconds := range []uint32{1, 600} {
		d, _ := connect(t, h.address, 5, fmt.Sprint(seconds), lasting(seconds))
		lost = time.Now()
		check(t, d.conn.Close())
	}
	for left := 1; left >= 0; left-- {
		await(t, "a session stays", func() bool { return h.server.Counts().Sessions == left })
		if took, least := time.Since(lost), time.Duration(2-left)*time.Second; took < least-100*time.Millisecond {
			t.Errorf("after %v %d sessions are left", took, left)
		}
	}
	for i := range 3 {
		d, _ := connect(t, h.address, 5, fmt.Sprint("client", i), lasting(2))
		check(t, d.conn.Close())
		await(t, "the client is still there", func() bool { return h.server.Counts().Clients == 0 })
	}
	if c := h.server.Counts(); c.Sessions > 2 || c.Refused["sessions"] != 1 {
		t.Errorf("counted %+v", c)
	}
}

// TestLongKeepalive: one and a half times the longest keepalive is more than 16 bits.
func TestLongKeepalive(t *testing.T) {
	h := open(t, mqtt.Config{}, rooms(t))
	for _, seconds := range []uint16{43_690, 43_691, 65_535} {
		d, _ := connect(t, h.address, 4, "slow", func(pk *packets.Packet) { pk.Connect.Keepalive = seconds })
		d.publish(1, 1, "aimdb/home/set/attic/lamp", "1")
		d.want(packets.Puback)
		d.publish(1, 2, "aimdb/home/set/attic/lamp", "2")
		d.want(packets.Puback)
	}
}

// TestDelayedWill: a will waits for its delay, and is not set if the client comes back, also
// while the server takes it for connected.
func TestDelayedWill(t *testing.T) {
	h := open(t, mqtt.Config{}, rooms(t))
	lamp, _ := h.db.Registry().Lookup("attic.lamp")
	willing := func(payload string, delay uint32) func(*packets.Packet) {
		return func(pk *packets.Packet) {
			lasting(600)(pk)
			pk.Connect.WillFlag, pk.Connect.WillTopic, pk.Connect.WillPayload = true, "aimdb/home/set/attic/lamp", []byte(payload)
			pk.Connect.WillProperties.WillDelayInterval = delay
		}
	}
	first, _ := connect(t, h.address, 5, "patient", willing("97", 60))
	d, _ := connect(t, h.address, 5, "patient", willing("98", 60))
	first.wantClosed()
	check(t, d.conn.Close())
	await(t, "the client is still there", func() bool { return h.server.Counts().Clients == 0 })
	lost := time.Now()
	d, _ = connect(t, h.address, 5, "patient", willing("99", 1)) // the will of before is dropped
	check(t, d.conn.Close())
	await(t, "the will is not set", func() bool { return lamp.Produced() == 1 })
	if v, _, _, err := lamp.Get(); string(v) != "99" || err != nil {
		t.Errorf("the lamp is %s, %v", v, err)
	}
	if took := time.Since(lost); took < time.Second {
		t.Errorf("a will with a delay of a second was set after %v", took)
	}
}
