package mqtt_test

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/mochi-mqtt/server/v2/packets"

	"github.com/aimdb-go/aimdb"
	"github.com/aimdb-go/aimdb/mqtt"
)

// TestStopAcknowledges: a server that stops acknowledges the messages that it took, and only
// then disconnects; without time for it, what is acknowledged is stored, and the client sends the
// others again.
func TestStopAcknowledges(t *testing.T) {
	for _, drain := range []time.Duration{time.Minute, time.Nanosecond} {
		for qos := byte(1); qos <= 2; qos++ {
			t.Run(fmt.Sprint(drain, qos), func(t *testing.T) {
				h := open(t, mqtt.Config{Limits: mqtt.Limits{DrainTimeout: drain}}, rooms(t))
				d, _ := connect(t, h.address, 5, "", nil)
				go func() {
					for id := range uint16(1000) {
						d.publish(qos, id+1, "aimdb/home/set/attic/air", air)
					}
				}()
				await(t, "nothing is taken", func() bool { return h.server.Counts().Published > 200 })
				stopped := make(chan struct{})
				go func() { h.server.Close(); close(stopped) }()
				acked := uint64(0)
				pk, err := d.read()
				for ; err == nil && pk.FixedHeader.Type != packets.Disconnect; pk, err = d.read() {
					acked++
				}
				<-stopped
				if pk.FixedHeader.Type != packets.Disconnect || pk.ReasonCode != packets.ErrServerShuttingDown.Code {
					t.Errorf("the last packet has type %d and code %#x, %v", pk.FixedHeader.Type, pk.ReasonCode, err)
				}
				c := h.server.Counts()
				if drain == time.Minute && acked != c.Published || acked > c.Published {
					t.Errorf("%d of %d messages that were taken are acknowledged", acked, c.Published)
				}
				h.stop()
				if n := stored(t, h.history, "attic.air"); uint64(n) < acked {
					t.Errorf("%d messages are acknowledged and %d stored", acked, n)
				}
			})
		}
	}
}

// farListener says that other machines reach it.
type farListener struct{ net.Listener }

func (farListener) Addr() net.Addr { return &net.TCPAddr{IP: net.IPv4(192, 0, 2, 1), Port: 1883} }

// lines is a log.
type lines struct {
	mu   sync.Mutex
	text strings.Builder
}

func (l *lines) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(b)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// TestExposure: a listener that other machines reach and that asks for nothing is told of.
func TestExposure(t *testing.T) {
	for _, c := range []struct {
		token, want string
	}{{"", "every machine that reaches the MQTT listener"}, {"a token of a client", "encrypts nothing"}} {
		var log lines
		h := open(t, mqtt.Config{Logger: slog.New(slog.NewTextHandler(&log, nil))}, rooms(t), func(config *aimdb.Config) error {
			if c.token != "" {
				config.Tokens = []aimdb.Token{{Token: c.token}}
			}
			return nil
		})
		if got := log.String(); got != "" {
			t.Errorf("of a listener on loopback the server says %s", got)
		}
		l, err := net.Listen("tcp", "127.0.0.1:0")
		check(t, err)
		ctx, cancel := context.WithCancel(context.Background())
		cancel()
		check(t, h.server.Serve(ctx, farListener{l}))
		if got := log.String(); !strings.Contains(got, c.want) || !strings.Contains(got, "192.0.2.1:1883") {
			t.Errorf("with the token %q the server says %s", c.token, got)
		}
		h.stop()
	}
}
