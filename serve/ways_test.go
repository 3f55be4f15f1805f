package serve_test

import (
	"bufio"
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/aimdb-go/aimdb/aimx"
)

// mqttAddress is what the server says of its MQTT listener.
func (r *running) mqttAddress(t *testing.T) string {
	t.Helper()
	var text strings.Builder
	if err := r.Greet(&text); err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(text.String(), "://127.0.0.1:")
	for _, part := range strings.Split(text.String(), "\n") {
		if strings.HasPrefix(part, "  mqtt") {
			_, rest, _ = strings.Cut(part, "://")
		}
	}
	address, _, _ := strings.Cut(rest, ",")
	return address
}

// mqttWriter returns what publishes a value with QoS 1 and waits for PUBACK.
func mqttWriter(t *testing.T, address, topic string) func(value string) error {
	t.Helper()
	nc, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = nc.Close() })
	text := func(s string) string {
		return string(binary.BigEndian.AppendUint16(nil, uint16(len(s)))) + s
	}
	packet := func(kind byte, body string) error {
		_, err := nc.Write(append([]byte{kind, byte(len(body))}, body...))
		return err
	}
	in := bufio.NewReader(nc)
	want := func(kind byte) error {
		got := make([]byte, 4) // CONNACK and PUBACK
		if err := nc.SetReadDeadline(time.Now().Add(time.Minute)); err != nil {
			return err
		}
		if _, err := io.ReadFull(in, got); err != nil || got[0] != kind || kind == 0x20 && got[3] != 0 {
			return fmt.Errorf("% x, %w", got, errors.Join(err, errors.New("not the packet that was expected")))
		}
		return nil
	}
	if err := errors.Join(packet(0x10, text("MQTT")+"\x04\xc2\x00\x3c"+text("c"+strings.ReplaceAll(topic, "/", ""))+text("device")+text("devicedevice")), want(0x20)); err != nil {
		t.Fatal(err)
	}
	return func(value string) error {
		return errors.Join(packet(0x32, text(topic)+"\x00\x01"+value), want(0x40))
	}
}

// TestReloadUnderEveryWayIn: eight writers by all ways in and twenty reloads, some of them of
// broken files and each with another token beside. Every acknowledged value is stored, and
// no session of a token, a user or a NATS client that has not changed ends.
func TestReloadUnderEveryWayIn(t *testing.T) {
	text := "http: 127.0.0.1:0\nnats: 127.0.0.1:0\nmqtt: 127.0.0.1:0\nservice_writes: ['#']\nnats_access: {token: natsnatsnats}\n" +
		"tokens:\n  - {token: second-second, read: ['#'], write: ['#']}\n  - {token: changing-0000, read: ['#'], write: ['#']}\n" +
		"users:\n  - {name: device, password: devicedevice, read: ['#'], write: ['#']}\n" +
		"records:\n  - {pattern: '#', buffer: ring, capacity: 16384}\n"
	r := start(t, text)
	before := r.text(t)
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()

	web := func(key string) func(string) error {
		return func(value string) error {
			ask, err := http.NewRequestWithContext(ctx, http.MethodPut, "http://"+r.DB().Addresses().HTTP+"/api/records/"+key, strings.NewReader(value))
			if err != nil {
				return err
			}
			ask.Header.Set("Authorization", "Bearer second-second")
			answer, err := http.DefaultClient.Do(ask)
			if err != nil {
				return err
			}
			body, err := io.ReadAll(answer.Body)
			if answer.StatusCode/100 != 2 {
				err = fmt.Errorf("%s: %s", answer.Status, body)
			}
			return errors.Join(err, answer.Body.Close())
		}
	}
	overNATS := func(key string) func(string) error {
		nc, err := nats.Connect("nats://"+r.DB().Addresses().NATS, nats.Token("natsnatsnats"), nats.NoReconnect())
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(nc.Close)
		return func(value string) error {
			answer, err := nc.RequestWithContext(ctx, "aimdb.aimdb.set."+key, []byte(value))
			if err == nil && answer.Header.Get("Nats-Service-Error") != "" {
				err = errors.New(answer.Header.Get("Nats-Service-Error"))
			}
			return err
		}
	}
	overAimX := func(key string) func(string) error {
		c, err := aimx.Dial(ctx, "ws://"+r.DB().Addresses().HTTP+"/ws", aimx.Token("second-second"))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = c.Close() })
		n := 0
		return func(value string) error {
			if n++; n > 16000 { // it does not wait for space
				return errEnough
			}
			_, err := c.Set(ctx, key, json.RawMessage(value))
			return err
		}
	}
	mqtt := func(key string) func(string) error {
		return mqttWriter(t, r.mqttAddress(t), "aimdb/aimdb/set/"+strings.ReplaceAll(key, ".", "/"))
	}
	stop := make(chan struct{})
	var writers sync.WaitGroup
	acknowledged := map[string]*int{}
	for name, way := range map[string]func(string) func(string) error{"http": web, "nats": overNATS, "aimx": overAimX, "mqtt": mqtt} {
		for i := range 2 {
			key, n := fmt.Sprintf("%s.%d", name, i), new(int)
			set := way(key)
			acknowledged[key] = n
			writers.Go(func() {
				for {
					select {
					case <-stop:
						return
					default:
					}
					switch err := set(fmt.Sprint(*n)); {
					case errors.Is(err, errEnough):
						return
					case errors.Is(err, nats.ErrNoResponders) && *n == 0:
						continue // there is no event for a service that begins
					case err != nil:
						t.Errorf("%s, value %d: %v", key, *n, err)
						return
					}
					*n++
				}
			})
		}
	}
	for i := range 20 {
		next := strings.ReplaceAll(before, "changing-0000", fmt.Sprintf("changing-%04d", i+1))
		next = strings.Replace(next, "records:\n", fmt.Sprintf("records:\n  - {key: added.n%d, capacity: 5}\n", i), 1)
		broken := i%3 == 1
		if broken {
			next += "htpp: [\n"
		}
		r.rewrite(t, next)
		if err := r.Reload(); (err != nil) != broken {
			t.Errorf("reload %d: %v", i, err)
		}
		time.Sleep(20 * time.Millisecond) // so that the load spreads over the reloads
	}
	close(stop)
	writers.Wait()
	if r.DB().Access().Token("changing-0000") != nil {
		t.Error("the first token is still in force")
	}
	if err := r.DB().Flush(ctx); err != nil {
		t.Fatal(err)
	}
	for key, n := range acknowledged {
		rows := r.rows(t, key)
		if len(rows) != *n || *n == 0 {
			t.Errorf("%s: %d values were acknowledged, and %d are stored", key, *n, len(rows))
		}
		t.Logf("%s: %d", key, *n)
		for i, row := range rows {
			if string(row.Value) != fmt.Sprint(i) {
				t.Fatalf("%s: row %d is %s", key, i, row.Value)
			}
		}
	}
	// What was refused is told with its way in.
	_ = web("a b")(`1`)
	_ = overNATS("x.y")(`{`)
	c, err := aimx.Dial(ctx, "ws://"+r.DB().Addresses().HTTP+"/ws", aimx.Token("second-second"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = c.Close() }()
	refused, err := c.Refused(ctx)
	if err != nil || len(refused.Last) < 1 || refused.Last[0].Via != "nats" || refused.Last[0].Record != "x.y" || refused.Last[0].Cause != "invalid" {
		t.Errorf("refused: %+v, %v", refused, err)
	}
}

// errEnough ends a writer.
var errEnough = errors.New("enough")
