package natsd

import (
	"net"
	"strconv"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
)

// A connection to a hub is compressed only if the site asks for it, whatever the hub's own
// default is.
func TestLeafCompression(t *testing.T) {
	embedded := open(t, Config{LeafListen: "127.0.0.1:0", Sites: []Site{{Name: "s", Domain: "d", Stream: "S", Deliver: "x"}}})
	plain := plainHub(t)
	for _, c := range []struct {
		name     string
		hub      *server.Server
		address  string
		compress bool
	}{
		{"to an embedded hub", embedded.current, embedded.LeafAddr(), false},
		{"to an embedded hub, compressed", embedded.current, embedded.LeafAddr(), true},
		{"to a server of others", plain, leafAddress(t, plain), false},
		{"to a server of others, compressed", plain, leafAddress(t, plain), true},
	} {
		t.Run(c.name, func(t *testing.T) {
			site := open(t, Config{Domain: "d", Deliver: "x", Leaf: []LeafRemote{{URLs: []string{"nats-leaf://" + c.address}, Compress: c.compress}}})
			for end, s := range map[string]*server.Server{"site": site.current, "hub": c.hub} {
				if mode := awaitCompression(t, s); (mode != server.CompressionOff) != c.compress {
					t.Errorf("the %s has the compression %q", end, mode)
				}
			}
			if err := site.Close(); err != nil {
				t.Fatal(err)
			}
			for ctx := deadline(t); c.hub.NumLeafNodes() > 0; time.Sleep(10 * time.Millisecond) {
				if ctx.Err() != nil {
					t.Fatal("the hub still has the leaf node")
				}
			}
		})
	}
}

// plainHub starts a server of others with the compression that it has by default.
func plainHub(t *testing.T) *server.Server {
	t.Helper()
	opts := &server.Options{ServerName: "plain", Host: "127.0.0.1", Port: server.RANDOM_PORT, NoSigs: true, NoLog: true}
	opts.LeafNode.Host, opts.LeafNode.Port = "127.0.0.1", server.RANDOM_PORT
	s, err := server.NewServer(opts)
	if err != nil {
		t.Fatal(err)
	}
	s.Start()
	t.Cleanup(func() { s.Shutdown(); s.WaitForShutdown() })
	if !s.ReadyForConnections(time.Minute) {
		t.Fatal("the server did not start")
	}
	return s
}

func leafAddress(t *testing.T, s *server.Server) string {
	t.Helper()
	state, err := s.Varz(nil)
	if err != nil {
		t.Fatal(err)
	}
	return net.JoinHostPort("127.0.0.1", strconv.Itoa(state.LeafNode.Port))
}

// awaitCompression waits for the only leaf node of a server and returns its compression.
func awaitCompression(t *testing.T, s *server.Server) string {
	t.Helper()
	for ctx := deadline(t); ; time.Sleep(10 * time.Millisecond) {
		state, err := s.Leafz(nil)
		if err != nil {
			t.Fatal(err)
		}
		if len(state.Leafs) == 1 {
			return state.Leafs[0].Compression
		}
		if ctx.Err() != nil {
			t.Fatalf("the server has the leaf nodes %+v", state.Leafs)
		}
	}
}
