package integration

import (
	"fmt"
	"net/url"
	"runtime"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// BenchmarkUnitCosts measures what one more subject, consumer, source, client and leaf
// node takes of a NATS server's memory, and one message of its disk. docs/SCALE.md counts
// with these figures. The benchmark is in the server's process: the figures of clients
// and leaf nodes are those of both ends.
func BenchmarkUnitCosts(b *testing.B) {
	for name, measure := range map[string]func(b *testing.B, hub *server.Server, js jetstream.JetStream) int{
		"subject": addSubjects, "consumer": addConsumers, "source": addSources, "client": addClients,
		"leaf": addLeaves(server.CompressionOff), "compressed-leaf": addLeaves(server.CompressionS2Auto),
	} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				hub := scaleServer(b, "hub", func(o *server.Options) { o.LeafNode.Host, o.LeafNode.Port = "127.0.0.1", server.RANDOM_PORT })
				nc, err := nats.Connect("", nats.InProcessServer(hub))
				must(b, err)
				js, err := jetstream.New(nc)
				must(b, err)
				before := heap()
				n := measure(b, hub, js)
				b.ReportMetric((heap()-before)/float64(n), "B/"+name)
				nc.Close()
			}
			b.ReportMetric(0, "ns/op") // what is measured is memory
		})
	}
}

func must(b *testing.B, err error) {
	b.Helper()
	if err != nil {
		b.Fatal(err)
	}
}

// heap returns the bytes of the live heap and of stacks.
func heap() float64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return float64(m.HeapAlloc + m.StackInuse)
}

func scaleServer(b *testing.B, name string, set func(*server.Options)) *server.Server {
	b.Helper()
	o := &server.Options{ServerName: name, Host: "127.0.0.1", Port: server.RANDOM_PORT, NoSigs: true, NoLog: true, JetStream: true, StoreDir: b.TempDir()}
	set(o)
	s, err := server.NewServer(o)
	must(b, err)
	s.Start()
	b.Cleanup(func() {
		s.Shutdown()
		s.WaitForShutdown()
	})
	if !s.ReadyForConnections(time.Minute) {
		b.Fatalf("the server %s is not ready", name)
	}
	return s
}

// logStream makes a stream like that of a log.
func logStream(b *testing.B, js jetstream.JetStream, name string, sources ...*jetstream.StreamSource) jetstream.Stream {
	b.Helper()
	c := jetstream.StreamConfig{Name: name, Sources: sources, AllowDirect: true}
	if len(sources) == 0 {
		c.Subjects = []string{"aimdb." + name + ".log.>"}
	}
	s, err := js.CreateStream(b.Context(), c)
	must(b, err)
	return s
}

func addSubjects(b *testing.B, _ *server.Server, js jetstream.JetStream) int {
	const sites, records = 1000, 100
	stream := logStream(b, js, "sites")
	for site := range sites {
		for record := range records {
			_, err := js.PublishAsync(fmt.Sprintf("aimdb.sites.log.site-%d.record-%d", site, record), make([]byte, 140))
			must(b, err)
		}
		<-js.PublishAsyncComplete()
	}
	info, err := stream.Info(b.Context())
	must(b, err)
	b.ReportMetric(float64(info.State.Bytes)/float64(info.State.Msgs), "B/message")
	return sites * records
}

func addConsumers(b *testing.B, _ *server.Server, js jetstream.JetStream) int {
	const consumers = 200
	stream := logStream(b, js, "one")
	for i := range consumers {
		_, err := stream.CreateConsumer(b.Context(), jetstream.ConsumerConfig{
			Durable: fmt.Sprintf("sink_%d", i), AckPolicy: jetstream.AckAllPolicy, MemoryStorage: true,
		})
		must(b, err)
	}
	return consumers
}

// addSources takes the streams of the sites off what the hub's stream takes.
func addSources(b *testing.B, _ *server.Server, js jetstream.JetStream) int {
	const sites = 200
	var sources []*jetstream.StreamSource
	before := heap()
	for i := range sites {
		name := fmt.Sprintf("site-%d", i)
		logStream(b, js, name)
		sources = append(sources, &jetstream.StreamSource{Name: name})
	}
	b.ReportMetric((heap()-before)/sites, "B/stream")
	hub := logStream(b, js, "hub", sources...)
	deadline := time.Now().Add(time.Minute)
	for {
		info, err := hub.Info(b.Context())
		must(b, err)
		active := 0
		for _, s := range info.Sources {
			if s.Active >= 0 {
				active++
			}
		}
		if active == sites {
			return sites
		}
		if time.Now().After(deadline) {
			b.Fatalf("%d of %d sources are active", active, sites)
		}
		time.Sleep(50 * time.Millisecond)
	}
}

func addClients(b *testing.B, hub *server.Server, _ jetstream.JetStream) int {
	const clients = 200
	for range clients {
		nc, err := nats.Connect(hub.ClientURL())
		must(b, err)
		b.Cleanup(nc.Close)
	}
	return clients
}

// addLeaves connects one server many times, each time with another account. The mode of
// the remote decides whether the connection is compressed.
func addLeaves(mode string) func(*testing.B, *server.Server, jetstream.JetStream) int {
	return func(b *testing.B, hub *server.Server, _ jetstream.JetStream) int {
		const leaves = 100
		state, err := hub.Varz(nil)
		must(b, err)
		address, err := url.Parse(fmt.Sprintf("nats-leaf://127.0.0.1:%d", state.LeafNode.Port))
		must(b, err)
		site := scaleServer(b, "site", func(o *server.Options) {
			o.JetStream = false
			for i := range leaves {
				account := fmt.Sprintf("site-%d", i)
				o.Accounts = append(o.Accounts, server.NewAccount(account))
				o.LeafNode.Remotes = append(o.LeafNode.Remotes, &server.RemoteLeafOpts{
					LocalAccount: account, URLs: []*url.URL{address}, Compression: server.CompressionOpts{Mode: mode},
				})
			}
		})
		for deadline := time.Now().Add(time.Minute); site.NumLeafNodes() < leaves; time.Sleep(50 * time.Millisecond) {
			if time.Now().After(deadline) {
				b.Fatalf("%d of %d leaf nodes are connected", site.NumLeafNodes(), leaves)
			}
		}
		return leaves
	}
}
