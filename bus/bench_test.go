package bus

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aimdb-go/aimdb/history"
	"github.com/aimdb-go/aimdb/records"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/synadia-io/orbit.go/jetstreamext"
)

// measurement is a typical value of a weather station: 140 bytes of JSON.
type measurement struct {
	City    string  `json:"city"`
	Celsius float64 `json:"celsius"`
	N       int     `json:"n"`
	Source  string  `json:"source"`
	Unit    string  `json:"unit"`
}

func sample(n int) measurement {
	return measurement{"vienna", 21.5 + float64(n%10), n, "a station of the national weather service", "degrees celsius"}
}

var payload = []byte(`{"city":"vienna","celsius":21.5,"n":123456,"source":"a station of the national weather service","unit":"degrees celsius"}`)

func quiet() *slog.Logger { return slog.New(slog.DiscardHandler) }

func perSecond(b *testing.B) { b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "msgs/s") }

// BenchmarkLog compares the ways to publish into the log with the whole path from the
// record.
func BenchmarkLog(b *testing.B) {
	for _, durable := range []bool{false, true} {
		for name, run := range map[string]func(*testing.B, testBus){
			"way=async": benchAsync, "way=msgid": benchMsgID, "way=atomic": benchAtomic, "way=fast": benchFast, "way=republisher": benchRepublisher,
		} {
			if durable && name != "way=atomic" && name != "way=republisher" {
				continue // an fsync for each message
			}
			b.Run(fmt.Sprintf("durable=%v/%s", durable, name), func(b *testing.B) {
				log := open(b, setup{Config: Config{Durable: durable, Logger: quiet()}, Dir: b.TempDir()})
				b.ResetTimer()
				run(b, log)
				perSecond(b)
			})
		}
	}
}

func benchAsync(b *testing.B, log testBus) { async(b, log, false) }
func benchMsgID(b *testing.B, log testBus) { async(b, log, true) }

func async(b *testing.B, log testBus, id bool) {
	js, err := jetstream.New(log.nc, jetstream.WithPublishAsyncMaxPending(1024))
	if err != nil {
		b.Fatal(err)
	}
	for i := range b.N {
		m := message(i)
		if id {
			m.Header["Nats-Msg-Id"] = []string{fmt.Sprint(i)}
		}
		if _, err := js.PublishMsgAsync(m, jetstream.WithStallWait(5*time.Second)); err != nil {
			b.Fatal(err)
		}
	}
	<-js.PublishAsyncComplete()
}

func message(i int) *nats.Msg {
	return &nats.Msg{
		Subject: "aimdb.test.log.temp.vienna", Data: payload,
		Header: nats.Header{KeyHeader: []string{"temp::vienna"}, TimeHeader: []string{fmt.Sprint(1_700_000_000_000 + i)}},
	}
}

func benchFast(b *testing.B, log testBus) {
	p, err := jetstreamext.NewFastPublisher(log.js, jetstreamext.FastPublishFlowControl{Flow: 500, MaxOutstandingAcks: 3})
	if err != nil {
		b.Fatal(err)
	}
	for i := range b.N - 1 {
		if _, err := p.AddMsg(message(i)); err != nil {
			b.Fatal(err)
		}
	}
	if _, err := p.CommitMsg(b.Context(), message(b.N)); err != nil {
		b.Fatal(err)
	}
}

func benchAtomic(b *testing.B, log testBus) {
	for left := b.N; left > 0; left -= batchMax {
		p, err := jetstreamext.NewBatchPublisher(log.js)
		if err != nil {
			b.Fatal(err)
		}
		for i := range min(left, batchMax) - 1 {
			if err := p.AddMsg(message(i)); err != nil {
				b.Fatal(err)
			}
		}
		if _, err := p.CommitMsg(b.Context(), message(0)); err != nil {
			b.Fatal(err)
		}
	}
}

func benchRepublisher(b *testing.B, log testBus) {
	reg := registry(b)
	recs := make([]*records.Record[measurement], 100)
	for i := range recs {
		r, err := records.Register[measurement](reg, fmt.Sprintf("temp::city%d", i), records.Config{
			Kind: records.Ring, Capacity: 1024, Logged: true, Remote: true, Lossless: []string{records.LogReader},
		})
		if err != nil {
			b.Fatal(err)
		}
		recs[i] = r
	}
	republish(b, log, reg)
	for i := range b.N {
		if err := recs[i%len(recs)].Send(b.Context(), sample(i)); err != nil {
			b.Fatal(err)
		}
	}
	if _, err := log.Flush(context.Background(), reg); err != nil {
		b.Fatal(err)
	}
}

// BenchmarkLive compares live messages to ten subscribers with bare NATS
// publish and subscribe through the same server.
func BenchmarkLive(b *testing.B) {
	for _, way := range []string{"bare", "live"} {
		b.Run("way="+way, func(b *testing.B) { benchLive(b, way == "bare") })
	}
}

func benchLive(b *testing.B, bare bool) {
	log := open(b, setup{Config: Config{Logger: quiet()}, Listen: "127.0.0.1:0"})
	reg := registry(b)
	r, err := records.Register[measurement](reg, "x", records.Config{Kind: records.Ring, Capacity: 4096, Remote: true, Lossless: []string{"live"}})
	if err != nil {
		b.Fatal(err)
	}
	republish(b, log, reg)
	var got [10]atomic.Int64
	done := make(chan struct{}, len(got))
	for i := range got {
		o := outside(b, log)
		if _, err := o.nc.Subscribe("aimdb.test.live.>", func(*nats.Msg) {
			if got[i].Add(1) == int64(b.N)+1 {
				done <- struct{}{}
			}
		}); err != nil {
			b.Fatal(err)
		}
		if err := o.nc.Flush(); err != nil {
			b.Fatal(err)
		}
	}
	for got[0].Load() == 0 { // until interest is noticed
		if bare {
			send(b, log.nc)
		} else {
			r.Produce(sample(0))
		}
		time.Sleep(100 * time.Millisecond)
	}
	for i := range got {
		got[i].Store(1)
	}
	b.ResetTimer()
	for i := range b.N {
		if bare {
			send(b, log.nc)
		} else if err := r.Send(b.Context(), sample(i)); err != nil {
			b.Fatal(err)
		}
		// Neither way runs further ahead than a subscriber may lag.
		for i%1024 == 0 && int64(i)-got[9].Load() > 50_000 {
			time.Sleep(100 * time.Microsecond)
		}
	}
	for range got {
		select {
		case <-done:
		case <-time.After(20 * time.Second):
			b.Fatalf("%d of %d came", got[0].Load(), b.N+1)
		}
	}
	perSecond(b)
}

func send(b *testing.B, nc *nats.Conn) {
	m := message(0)
	m.Subject = "aimdb.test.live.x"
	if err := nc.PublishMsg(m); err != nil {
		b.Fatal(err)
	}
}

// BenchmarkOpen opens a log of a million messages that are all stored: after an orderly
// end, and without the store's index, as after a kill.
func BenchmarkOpen(b *testing.B) {
	dir := b.TempDir()
	const n = 1_000_000
	fillLog(b, dir, n)
	for _, killed := range []bool{false, true} {
		b.Run(fmt.Sprintf("killed=%v", killed), func(b *testing.B) {
			for b.Loop() {
				if killed {
					dropIndex(b, dir)
				}
				log, err := tryOpen(b, setup{Dir: dir})
				if err != nil {
					b.Fatal(err)
				}
				c, err := log.Consumer(b.Context(), "test", history.Position{Log: log.Identity(), Sequence: n})
				if err != nil {
					b.Fatal(err)
				}
				if start := c.Start(); start.Sequence != n {
					b.Fatalf("the log ends at %d", start.Sequence)
				}
				c.Close()
				closeBus(b, log)
			}
		})
	}
}

func fillLog(b *testing.B, dir string, n int) {
	log, err := tryOpen(b, setup{Dir: dir})
	if err != nil {
		b.Fatal(err)
	}
	p, err := jetstreamext.NewFastPublisher(log.js, jetstreamext.FastPublishFlowControl{Flow: 500, MaxOutstandingAcks: 3})
	if err != nil {
		b.Fatal(err)
	}
	for i := range n {
		if _, err := p.AddMsg(message(i)); err != nil {
			b.Fatal(err)
		}
	}
	if _, err := p.Close(b.Context()); err != nil {
		b.Fatal(err)
	}
	closeBus(b, log)
}

func dropIndex(b *testing.B, dir string) {
	found, err := filepath.Glob(filepath.Join(dir, "jetstream", "*", "streams", "*", "msgs", "index.db"))
	if err != nil || len(found) != 1 {
		b.Fatalf("indexes %v: %v", found, err)
	}
	if err := os.Remove(found[0]); err != nil {
		b.Fatal(err)
	}
}
