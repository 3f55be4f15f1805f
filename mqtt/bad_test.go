package mqtt_test

import (
	"io"
	"net"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/mochi-mqtt/server/v2/packets"

	"github.com/aimdb-go/aimdb"
	"github.com/aimdb-go/aimdb/mqtt"
)

// TestMalformed: bytes that are not MQTT, half packets and huge ones end their connection and
// disturb no other client.
func TestMalformed(t *testing.T) {
	h := open(t, mqtt.Config{Limits: mqtt.Limits{ConnectTimeout: time.Second, PacketBytes: 2000}}, rooms(t))
	good, _ := connect(t, h.address, 5, "good", nil)
	connected := "\x10\x0d\x00\x04MQTT\x04\x02\x00\x3c\x00\x01x"
	t.Run("each", func(t *testing.T) {
		for name, text := range map[string]string{
			"nothing":                "",
			"HTTP":                   "GET / HTTP/1.1\r\nHost: x\r\n\r\n",
			"half a CONNECT":         "\x10\x0c\x00\x04MQ",
			"no CONNECT":             "\xc0\x00",
			"an unknown version":     "\x10\x0d\x00\x04MQTT\x09\x02\x00\x3c\x00\x01x",
			"a long length":          "\x10\xff\xff\xff\xff\xff",
			"a huge CONNECT":         "\x10\xff\xff\xff\x7f",
			"two CONNECTs":           connected + connected,
			"QoS 3":                  connected + "\x36\x05\x00\x01a\x00\x01",
			"no packet ID":           connected + "\x32\x05\x00\x01a\x00\x00",
			"a huge PUBLISH":         connected + "\x30\xff\xff\xff\x7f",
			"a topic beyond its end": connected + "\x30\x04\x00\xff\x61\x61",
			"no topic":               connected + "\x30\x02\x00\x00",
			"a NUL in a topic":       connected + "\x30\x04\x00\x01\x00\x31",
			"a topic not in UTF-8":   connected + "\x30\x04\x00\x01\xff\x31",
			"SUBSCRIBE to nothing":   connected + "\x82\x02\x00\x01",
			"a type of MQTT 5":       connected + "\xf0\x02\x18\x00",
			"a packet of a server":   connected + "\x20\x02\x00\x00",
		} {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				nc, err := net.Dial("tcp", h.address)
				check(t, err)
				defer func() { _ = nc.Close() }()
				_, err = nc.Write([]byte(text))
				check(t, err)
				check(t, nc.SetReadDeadline(time.Now().Add(time.Minute)))
				if got, err := io.ReadAll(nc); err != nil && !strings.Contains(err.Error(), "reset") {
					t.Errorf("the connection stays: %v, got %q", err, got)
				}
			})
		}
	})
	good.publish(1, 1, "aimdb/home/set/attic/lamp", "1")
	good.want(packets.Puback)
	if c := h.server.Counts(); c.Published != 1 || c.Refused["protocol"] == 0 {
		t.Errorf("counted %+v", c)
	}
	long, _ := connect(t, h.address, 5, strings.Repeat("x", 300), nil)
	long.wantClosed()
}

// TestRefusedSubscriptions: the answer has a code for each filter, and the connection stays.
func TestRefusedSubscriptions(t *testing.T) {
	h := open(t, mqtt.Config{Limits: mqtt.Limits{Subscriptions: 2}}, rooms(t), func(c *aimdb.Config) error {
		c.Users = []aimdb.User{{Name: "reader", Password: "secret password", Read: []string{"attic.air"}}}
		return nil
	})
	for _, version := range []byte{4, 5} {
		d, _ := connect(t, h.address, version, "", func(pk *packets.Packet) {
			pk.Connect.UsernameFlag, pk.Connect.PasswordFlag = true, true
			pk.Connect.Username, pk.Connect.Password = []byte("reader"), []byte("secret password")
		})
		ack := d.subscribe(1, filter("aimdb/home/records/attic/air", 1), filter("aimdb/home/records/attic/closed", 0),
			filter("$share/group/aimdb/home/records/#", 0), filter("a/#/b", 0), filter("#", 0), filter("one/more", 0))
		want := []byte{1, 0x87, 0x9e, 0x8f, 0, 0x97}
		if version == 4 {
			want = []byte{1, 0x80, 0x80, 0x80, 0, 0x80}
		}
		if !slices.Equal(ack.ReasonCodes, want) {
			t.Errorf("version %d: SUBACK %#v", version, ack.ReasonCodes)
		}
	}
}

// TestTooManyClients: one client more than the limit is told, and comes in when another has
// left.
func TestTooManyClients(t *testing.T) {
	h := open(t, mqtt.Config{Limits: mqtt.Limits{Clients: 2}}, rooms(t))
	first, _ := connect(t, h.address, 5, "", nil)
	connect(t, h.address, 5, "", nil)
	third, ack := connect(t, h.address, 5, "", nil)
	if ack.ReasonCode != 0x89 {
		t.Errorf("CONNACK with %#x", ack.ReasonCode)
	}
	await(t, "the refusal is not counted", func() bool { return h.server.Counts().Refused["busy"] == 1 })
	third.wantClosed()
	check(t, first.conn.Close())
	await(t, "a client that left keeps its place", func() bool {
		d, ack := connect(t, h.address, 5, "", nil)
		check(t, d.conn.Close())
		return ack.ReasonCode == 0
	})
}

// TestRevoked: a client whose token is removed is disconnected.
func TestRevoked(t *testing.T) {
	h := open(t, mqtt.Config{}, rooms(t), func(c *aimdb.Config) error {
		c.Tokens = []aimdb.Token{{Token: "a token of a client", Read: []string{"#"}}}
		return nil
	})
	d, _ := connect(t, h.address, 5, "", func(pk *packets.Packet) {
		pk.Connect.PasswordFlag, pk.Connect.Password = true, []byte("a token of a client")
	})
	check(t, h.db.Access().Replace([]aimdb.Token{{Token: "a token of another"}}, nil))
	if got := d.wantClosed(); got != 0x87 {
		t.Errorf("closed with %#x", got)
	}
	if n := h.server.Counts().Refused["revoked"]; n != 1 {
		t.Errorf("%d revoked connections are counted", n)
	}
}

// BenchmarkIdleClient measures the memory of a client that is connected and silent, with what this
// process needs for the other end.
func BenchmarkIdleClient(b *testing.B) {
	const clients = 1000
	h := open(b, mqtt.Config{}, rooms(b))
	before := inUse()
	for range clients {
		connect(b, h.address, 4, "", nil)
	}
	used := inUse() - before
	for b.Loop() {
		runtime.Gosched() // the figure is that of the memory
	}
	b.ReportMetric(float64(used)/clients/1024, "KB/client")
}

// inUse returns the bytes of the heap and the stacks.
func inUse() int64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.GC()
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc + m.StackInuse)
}
