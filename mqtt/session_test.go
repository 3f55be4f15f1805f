package mqtt_test

import (
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
	h := open(t, mqtt.Config{Limits: mqtt.Limits{Sessions: 1, SessionExpiry: 2 * time.Second}}, rooms(t))
	for _, seconds := range []uint32{1, 600} {
		d, _ := connect(t, h.address, 5, "one", lasting(seconds))
		lost := time.Now()
		check(t, d.conn.Close())
		await(t, "the client is still there", func() bool { return h.server.Counts().Clients == 0 })
		if n := h.server.Counts().Sessions; n != 1 && time.Since(lost) < time.Second {
			t.Errorf("%d sessions are kept", n)
		}
		await(t, "the session stays", func() bool { return h.server.Counts().Sessions == 0 })
		if least := time.Duration(min(seconds, 2)) * time.Second; time.Since(lost) < least {
			t.Errorf("a session of %d s ended after %v", seconds, time.Since(lost))
		}
	}
	first, _ := connect(t, h.address, 5, "first", lasting(2))
	second, _ := connect(t, h.address, 5, "second", lasting(2))
	check(t, first.conn.Close())
	await(t, "the first client is still there", func() bool { return h.server.Counts().Clients == 1 })
	check(t, second.conn.Close())
	await(t, "two sessions are kept", func() bool { c := h.server.Counts(); return c.Clients == 0 && c.Sessions <= 1 })
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
