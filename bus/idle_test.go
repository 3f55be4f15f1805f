//go:build unix

package bus

import (
	"fmt"
	"syscall"
	"testing"
	"time"

	"github.com/aimdb-go/aimdb/records"
)

// BenchmarkIdle measures the cost of ten thousand idle records, half of them logged,
// with a listener and one client that subscribes to all.
func BenchmarkIdle(b *testing.B) {
	log := open(b, setup{Config: Config{Logger: quiet()}, Listen: "127.0.0.1:0"})
	reg := registry(b)
	for i := range 10_000 {
		register(b, reg, fmt.Sprintf("r::%d", i), records.Config{Kind: records.Ring, Capacity: 16, Logged: i%2 == 0, Remote: true})
	}
	republish(b, log, reg)
	o := outside(b, log)
	if _, err := o.nc.SubscribeSync("aimdb.test.live.>"); err != nil {
		b.Fatal(err)
	}
	time.Sleep(time.Second)
	b.ResetTimer()
	before := cpu(b)
	for range b.N {
		time.Sleep(time.Second)
	}
	b.ReportMetric(100*(cpu(b)-before).Seconds()/b.Elapsed().Seconds(), "%-of-a-core")
}

func cpu(b *testing.B) time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
