package mqtt_test

import (
	"bytes"
	"fmt"
	"io"
	"math"
	"net"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/mochi-mqtt/server/v2/packets"

	"github.com/aimdb-go/aimdb/mqtt"
)

// hostile is what a client sends that wants to do harm.
type hostile struct {
	bytes []byte
	cause string // that is counted, "" if it may be none
}

// harm returns clients that MQTT does not allow, or that take what they can. Those that
// are allowed leave afterwards.
func harm(t testing.TB) map[string]hostile {
	connect4, connect5 := connectBytes(t, 4, nil), connectBytes(t, 5, nil)
	properties := make([]packets.UserProperty, math.MaxUint16)
	var many packets.Subscriptions
	for i := range 10_000 {
		many = append(many, filter(fmt.Sprint("f/", i), 0))
	}
	subscribe := encoded(t, func(b *bytes.Buffer) error {
		pk := packets.Packet{ProtocolVersion: 5, FixedHeader: packets.FixedHeader{Type: packets.Subscribe, Qos: 1}, PacketID: 1, Filters: many}
		return pk.SubscribeEncode(b)
	})
	publish := func(alias uint16) []byte {
		return encoded(t, func(b *bytes.Buffer) error {
			pk := packets.Packet{ProtocolVersion: 5, FixedHeader: packets.FixedHeader{Type: packets.Publish}, TopicName: "aimdb/home/set/attic/lamp", Payload: []byte("1")}
			pk.Properties.TopicAlias, pk.Properties.TopicAliasFlag = alias, true
			return pk.PublishEncode(b)
		})
	}
	join := func(all ...[]byte) []byte { return bytes.Join(all, nil) }
	return map[string]hostile{
		"65,535 user properties":   {connectBytes(t, 5, func(pk *packets.Packet) { pk.Properties.User = properties }), "protocol"},
		"many user properties":     {connectBytes(t, 5, func(pk *packets.Packet) { pk.Properties.User = properties[:20_000] }), ""},
		"10,000 filters":           {join(connect5, subscribe), "subscription"},
		"a filter without options": {join(connect5, []byte("\x82\x06\x00\x01\x00\x00\x01a")), "protocol"},
		"half a packet":            {join(connect4, []byte("\x30\x40\x00\x19aimdb/home")), "protocol"},
		"half a length":            {join(connect4, []byte("\x30\xff")), ""},
		"the largest will": {connectBytes(t, 5, func(pk *packets.Packet) {
			pk.Connect.WillFlag, pk.Connect.WillTopic = true, "aimdb/home/set/attic/lamp"
			pk.Connect.WillPayload = bytes.Repeat([]byte("1"), math.MaxUint16)
		}), "will"},
		"a will of user properties": {connectBytes(t, 5, func(pk *packets.Packet) {
			pk.Connect.WillFlag, pk.Connect.WillTopic, pk.Connect.WillPayload = true, "nothing", []byte("1")
			pk.Connect.WillProperties.User = properties[:20_000]
		}), "will"},
		"a topic alias above the maximum": {join(connect5, publish(33)), "protocol"},
		"the topic alias 0":               {join(connect5, []byte("\x30\x20\x00\x19aimdb/home/set/attic/lamp\x03\x23\x00\x001")), "protocol"},
		"an alias of no topic":            {join(connect5, []byte("\x30\x07\x00\x00\x03\x23\x00\x05\x31")), "topic"},
		"AUTH":                            {join(connect5, []byte("\xf0\x00")), "protocol"},
		"PUBREL of nothing":               {join(connect5, []byte("\x62\x02\x00\x09\xe0\x00")), ""},
		"a keepalive of no CONNECT":       {[]byte("\x10\x0d\x00\x04MQTT\x04\x02\x00"), "protocol"},
		"reserved flags":                  {[]byte("\x10\x0d\x00\x04MQTT\x04\x03\x00\x3c\x00\x01x"), "protocol"},
	}
}

// connectBytes returns a CONNECT.
func connectBytes(t testing.TB, version byte, change func(*packets.Packet)) []byte {
	pk := packets.Packet{ProtocolVersion: version, FixedHeader: packets.FixedHeader{Type: packets.Connect}}
	pk.Connect = packets.ConnectParams{ProtocolName: []byte("MQTT"), Keepalive: 60, Clean: true}
	if change != nil {
		change(&pk)
	}
	return encoded(t, pk.ConnectEncode)
}

func encoded(t testing.TB, encode func(*bytes.Buffer) error) []byte {
	t.Helper()
	var b bytes.Buffer
	check(t, encode(&b))
	return b.Bytes()
}

// attack sends what a client sends, ends, and waits until the server has ended too.
func attack(t testing.TB, address string, text []byte) {
	t.Helper()
	nc, err := net.Dial("tcp", address)
	check(t, err)
	defer func() { _ = nc.Close() }()
	_, _ = nc.Write(text) // the server may close in between
	_ = nc.(*net.TCPConn).CloseWrite()
	check(t, nc.SetReadDeadline(time.Now().Add(time.Minute)))
	if _, err := io.Copy(io.Discard, nc); err != nil && !strings.Contains(err.Error(), "reset") {
		t.Fatalf("the connection stays: %v", err)
	}
}

// TestHarm: the connection ends, the cause is counted, and nothing is kept.
func TestHarm(t *testing.T) {
	h := open(t, mqtt.Config{}, rooms(t))
	for name, c := range harm(t) {
		t.Run(name, func(t *testing.T) {
			before := h.server.Counts().Refused[c.cause]
			attack(t, h.address, c.bytes)
			await(t, fmt.Sprintf("%q is not counted: %+v", c.cause, h.server.Counts()), func() bool {
				return c.cause == "" || h.server.Counts().Refused[c.cause] > before
			})
		})
	}
	await(t, "a session stays", func() bool { c := h.server.Counts(); return c.Clients == 0 && c.Sessions == 0 })
	if n := h.server.LibraryFilters(); n > 0 {
		t.Errorf("the library keeps %d filters", n)
	}
}

// TestKeepalive: a client that is silent is disconnected and counted.
func TestKeepalive(t *testing.T) {
	t.Parallel()
	h := open(t, mqtt.Config{Limits: mqtt.Limits{ConnectTimeout: 100 * time.Millisecond}}, rooms(t))
	dial(t, h.address).wantClosed()
	await(t, "a client without a CONNECT is not counted", func() bool { return h.server.Counts().Refused["silent"] == 1 })
	d, _ := connect(t, h.address, 5, "", func(pk *packets.Packet) { pk.Connect.Keepalive = 1 })
	d.wantClosed()
	await(t, "a silent client is not counted", func() bool { return h.server.Counts().Refused["silent"] == 2 })
}

// TestPropertiesNotKept: what a client says of itself costs nothing while it is connected.
func TestPropertiesNotKept(t *testing.T) {
	h := open(t, mqtt.Config{}, rooms(t))
	properties := make([]packets.UserProperty, 20_000)
	const clients = 20
	before := inUse()
	for range clients {
		connect(t, h.address, 5, "", func(pk *packets.Packet) { pk.Properties.User = properties })
	}
	if used := (inUse() - before) / clients; used > 200<<10 {
		t.Errorf("a client with %d user properties takes %d KB", len(properties), used>>10)
	}
	runtime.KeepAlive(properties)
}

// FuzzConnection: whatever a client sends, its connection ends and nothing else does.
func FuzzConnection(f *testing.F) {
	for _, c := range harm(f) {
		f.Add(c.bytes)
	}
	f.Add([]byte("\x10\x0d\x00\x04MQTT\x04\x02\x00\x3c\x00\x01x" + "\x82\x06\x00\x01\x00\x01#\x00" + "\xa2\x05\x00\x02\x00\x01#" + "\xe0\x00"))
	f.Add(bytes.Join([][]byte{connectBytes(f, 5, lasting(1)), []byte("\x34\x20\x00\x19aimdb/home/set/attic/lamp\x00\x01\x00\x31\x32\x62\x02\x00\x01")}, nil))
	h := open(f, mqtt.Config{Limits: mqtt.Limits{Sessions: 10, SessionExpiry: time.Second}}, rooms(f))
	f.Fuzz(func(t *testing.T, text []byte) {
		attack(t, h.address, text)
		await(t, "the client stays", func() bool { return h.server.Counts().Clients == 0 })
		if n := h.server.LibraryFilters(); n != 0 {
			t.Errorf("the library keeps %d filters", n)
		}
	})
}
