//go:build unix

package bus

import (
	"testing"
	"time"

	"github.com/aimdb-go/aimdb/history"
)

// BenchmarkConsumer reads a log of 200,000 messages through a consumer, in the
// batches of a pump.
func BenchmarkConsumer(b *testing.B) {
	dir := b.TempDir()
	const n = 200_000
	fillLog(b, dir, n)
	log := open(b, setup{Config: Config{Logger: quiet()}, Dir: dir})
	all := make([]Message, 4096)
	before := cpu(b)
	for b.Loop() {
		c, err := log.Consumer(b.Context(), "test", history.Position{})
		if err != nil {
			b.Fatal(err)
		}
		for read := 0; read < n; {
			k, err := c.Next(b.Context(), all, 8<<20, time.Now().Add(4*time.Millisecond))
			if err != nil {
				b.Fatal(err)
			}
			read += k
			if err := c.Ack(); err != nil {
				b.Fatal(err)
			}
		}
		c.Close()
	}
	b.ReportMetric(n*float64(b.N)/b.Elapsed().Seconds(), "msgs/s")
	b.ReportMetric(float64(cpu(b)-before)/float64(b.N)/n, "cpu-ns/msg")
}
