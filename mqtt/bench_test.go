package mqtt_test

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"sync"
	"testing"
	"time"

	broker "github.com/mochi-mqtt/server/v2"
	"github.com/mochi-mqtt/server/v2/listeners"
	"github.com/mochi-mqtt/server/v2/packets"

	"github.com/aimdb-go/aimdb"
	"github.com/aimdb-go/aimdb/history"
	"github.com/aimdb-go/aimdb/mqtt"
	"github.com/aimdb-go/aimdb/sinks"
)

const (
	benchDevices = 50
	benchWindow  = 500  // messages in flight of a device
	benchRound   = 1000 // messages of a device in a round
)

// BenchmarkMQTT compares QoS 1 from 50 devices, acknowledged when the log has the value,
// with the same library that acknowledges at once and does nothing. Both run in this process
// in turns, with the same devices.
func BenchmarkMQTT(b *testing.B) {
	for _, history := range []bool{false, true} {
		name := "logged"
		if history {
			name = "stored"
		}
		b.Run(name, func(b *testing.B) {
			var all []*aimdb.Record[reading]
			declare := func(db *aimdb.DB) {
				for i := range benchDevices {
					all = append(all, register[reading](b, db, fmt.Sprintf("device.%d", i), aimdb.Ring(4096), aimdb.Persist(), aimdb.Writable()))
				}
			}
			var opts []aimdb.Option
			if !history {
				opts = append(opts, func(c *aimdb.Config) error {
					err := c.Backend.Close()
					c.Backend, c.Sinks = nil, []sinks.Sink{&discard{}}
					return err
				})
			}
			h := open(b, mqtt.Config{}, declare, opts...)
			ours, bare := crowd(b, h.address), crowd(b, startBare(b))
			publishAll(ours) // the sessions and the files are there
			publishAll(bare)
			var took, took0 time.Duration
			for b.Loop() {
				took += publishAll(ours)
				took0 += publishAll(bare)
			}
			n := float64(b.N * benchDevices * benchRound)
			b.ReportMetric(n/took.Seconds(), "msg/s")
			b.ReportMetric(n/took0.Seconds(), "bare-msg/s")
			b.ReportMetric(took0.Seconds()/took.Seconds(), "x-bare")
			for _, r := range all {
				u, _ := h.db.Registry().Lookup(r.Key())
				if u.Acked() != u.Produced() || u.Produced() != uint64((b.N+1)*benchRound) {
					b.Errorf("%s: the log has %d of %d values, and %d were sent", r.Key(), u.Acked(), u.Produced(), (b.N+1)*benchRound)
				}
			}
			h.stop()
		})
	}
}

// allowHook allows everything.
type allowHook struct{ broker.HookBase }

func (h *allowHook) Provides(b byte) bool {
	return b == broker.OnConnectAuthenticate || b == broker.OnACLCheck
}
func (h *allowHook) OnConnectAuthenticate(*broker.Client, packets.Packet) bool { return true }
func (h *allowHook) OnACLCheck(*broker.Client, string, bool) bool              { return true }

// discard is a sink that forgets what it takes.
type discard struct{ at history.Position }

func (d *discard) Name() string                                         { return "discard" }
func (d *discard) Checkpoint(context.Context) (history.Position, error) { return d.at, nil }
func (d *discard) Write(_ context.Context, b *sinks.Batch) error        { d.at = b.Checkpoint; return nil }

// startBare starts the library with nothing of ours.
func startBare(b *testing.B) string {
	b.Helper()
	s := broker.New(&broker.Options{Logger: slog.New(slog.DiscardHandler)})
	check(b, s.AddHook(new(allowHook), nil))
	l, err := net.Listen("tcp", "127.0.0.1:0")
	check(b, err)
	check(b, s.AddListener(listeners.NewNet("bare", l)))
	check(b, s.Serve())
	b.Cleanup(func() { check(b, s.Close()) })
	return l.Addr().String()
}

// publisher is a device that sends as fast as it may.
type publisher struct {
	conn net.Conn
	r    *bufio.Reader
	one  []byte // a PUBLISH whose packet ID is at at
	at   int
	next uint16
	err  error
}

func crowd(b *testing.B, address string) []*publisher {
	b.Helper()
	all := make([]*publisher, benchDevices)
	for i := range all {
		d, _ := connect(b, address, 4, fmt.Sprint("device", i), nil)
		var buf bytes.Buffer
		topic := fmt.Sprintf("aimdb/home/set/device/%d", i)
		pk := packets.Packet{FixedHeader: packets.FixedHeader{Type: packets.Publish, Qos: 1}, PacketID: 1, TopicName: topic, Payload: []byte(`{"city":"Vienna","celsius":21.5}`)}
		check(b, pk.PublishEncode(&buf))
		all[i] = &publisher{conn: d.conn, r: d.r, one: buf.Bytes(), at: 2 + 2 + len(topic)}
	}
	return all
}

// publishAll makes each device send a round, and returns how long that takes.
func publishAll(all []*publisher) time.Duration {
	begin := time.Now()
	for _, p := range all {
		p.err = p.conn.SetReadDeadline(begin.Add(5 * time.Minute))
	}
	var work sync.WaitGroup
	for _, p := range all {
		work.Go(func() { p.err = p.round() })
	}
	work.Wait()
	for _, p := range all {
		if p.err != nil {
			panic(p.err)
		}
	}
	return time.Since(begin)
}

// round sends a window, and then half a window each time half of one is acknowledged.
func (p *publisher) round() error {
	sent, acked := 0, 0
	for acked < benchRound {
		var out []byte
		for ; sent < benchRound && sent-acked < benchWindow; sent++ {
			if p.next++; p.next == 0 {
				p.next = 1
			}
			p.one[p.at], p.one[p.at+1] = byte(p.next>>8), byte(p.next)
			out = append(out, p.one...)
		}
		if _, err := p.conn.Write(out); err != nil {
			return err
		}
		acks := make([]byte, 4*min(benchWindow/2, benchRound-acked))
		if _, err := io.ReadFull(p.r, acks); err != nil {
			return err
		}
		if acks[0]>>4 != packets.Puback {
			return fmt.Errorf("a packet of type %d", acks[0]>>4)
		}
		acked += len(acks) / 4
	}
	return nil
}
