package integration

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net"
	"net/http"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/coder/websocket"
	"go.uber.org/goleak"

	"github.com/aimdb-go/aimdb"
)

const (
	crowdToken  = "token-of-the-crowd"
	crowdGood   = 450 / slower
	crowdRogues = 50 / slower
	crowdValues = 40 // of each of two records
)

// flowing is a value that knows when it was written.
type flowing struct {
	N    int    `json:"n"`
	At   int64  `json:"at"` // in nanoseconds
	Text string `json:"text,omitempty"`
}

// crowdHub is a database with values that flow.
type crowdHub struct {
	*aimdb.DB
	socket string
	flow   []*aimdb.Record[flowing]
	big    *aimdb.Record[flowing]
	// cut is closed when the server ends the connection of a rogue that sends huge frames.
	cut  chan struct{}
	once sync.Once
}

func openCrowd(t *testing.T) *crowdHub {
	t.Helper()
	dir := t.TempDir()
	h := &crowdHub{socket: filepath.Join(dir, "s"), cut: make(chan struct{})}
	store, err := openBackend(t.Context(), filepath.Join(dir, "history.db"), nil)
	if err != nil {
		t.Fatal(err)
	}
	h.DB, err = aimdb.New(aimdb.Dir(dir), aimdb.WithPersistence(store, time.Hour), aimdb.Gateway(h.socket), aimdb.TCP("127.0.0.1:0"), aimdb.HTTP("127.0.0.1:0", nil),
		aimdb.Tokens(aimdb.Token{Token: crowdToken, Read: []string{"#"}}),
		aimdb.LimitClients(aimdb.ClientLimits{Connections: 300, FrameBytes: 1 << 20, WriteTimeout: 5 * time.Second}))
	if err != nil {
		t.Fatal(err)
	}
	for _, key := range []string{"flow.a", "flow.b"} {
		r, err := aimdb.Register[flowing](h.DB, key, aimdb.Ring(2*crowdValues), aimdb.Remote(), aimdb.Persist())
		if err != nil {
			t.Fatal(err)
		}
		h.flow = append(h.flow, r)
	}
	if h.big, err = aimdb.Register[flowing](h.DB, "big", aimdb.Ring(8), aimdb.Remote()); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- h.Run(ctx) }()
	<-h.Ready()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	return h
}

func (h *crowdHub) dialWeb(ctx context.Context, token string) (crowdConn, error) {
	c := &webCrowd{ctx: ctx, raw: new(net.Conn)}
	transport := &http.Transport{DisableKeepAlives: true, DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
		conn, err := (&net.Dialer{}).DialContext(ctx, network, address)
		*c.raw = conn
		return conn, err
	}}
	var err error
	c.socket, _, err = websocket.Dial(ctx, "ws://"+h.Addresses().HTTP+"/ws?v=3.0&token="+token, &websocket.DialOptions{HTTPClient: &http.Client{Transport: transport}})
	return c, err
}

// run has a number of clients read all values, and rogues beside them. It returns the
// latencies, sorted, and the most memory that was in use.
func (h *crowdHub) run(t *testing.T, misbehaving int) (latencies []time.Duration, peak uint64) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	transports := []string{"unix", "tcp", "websocket"}
	var subscribed, read, bad sync.WaitGroup
	taken := make([][]time.Duration, crowdGood)
	for i := range crowdGood {
		subscribed.Add(1)
		read.Go(func() {
			var err error
			if taken[i], err = h.readAll(ctx, transports[i%len(transports)], subscribed.Done); err != nil {
				t.Errorf("client %d over %s: %v", i, transports[i%len(transports)], err)
			}
		})
	}
	subscribed.Wait()
	roguesEnd, endRogues := context.WithCancel(ctx)
	defer endRogues()
	kinds := slices.Sorted(maps.Keys(rogues()))
	for i := range misbehaving {
		bad.Go(func() {
			h.misbehave(roguesEnd, transports[i%len(transports)], kinds[i/len(transports)%len(kinds)], uint64(i))
		})
	}
	peak = h.produce()
	read.Wait()
	if misbehaving > 0 && !t.Failed() {
		select {
		case <-h.cut:
		case <-ctx.Done():
			t.Error("nobody who sends frames that are too long was cut off")
		}
	}
	endRogues()
	bad.Wait()
	awaitNoConnections(t)
	for _, one := range taken {
		latencies = append(latencies, one...)
	}
	slices.Sort(latencies)
	return latencies, peak
}

// awaitNoConnections waits until no goroutine of a connection is left, on either side. The
// goroutines of listeners and of the log are not among them: they come and go by themselves.
func awaitNoConnections(t *testing.T) {
	t.Helper()
	stacks := make([]byte, 4<<20)
	for end := time.Now().Add(30 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		var left []string
		for one := range strings.SplitSeq(string(stacks[:runtime.Stack(stacks, true)]), "\n\n") {
			if ofConnection(one) {
				left = append(left, one)
			}
		}
		if len(left) == 0 {
			return
		}
		if time.Now().After(end) {
			t.Fatalf("%d goroutines of connections are left:\n%s", len(left), strings.Join(left, "\n\n"))
		}
	}
}

// ofConnection reports whether a stack is that of a goroutine of the gateway, of a
// WebSocket or of HTTP, and not of a listener.
func ofConnection(stack string) bool {
	if strings.Contains(stack, ".Accept(") {
		return false
	}
	for _, code := range []string{"aimdb/aimx/gateway.", "coder/websocket.", "net/http."} {
		if strings.Contains(stack, code) {
			return true
		}
	}
	return false
}

// produce lets the values flow and returns the most memory that was in use.
func (h *crowdHub) produce() (peak uint64) {
	text := strings.Repeat("x", 32<<10)
	ticker := time.NewTicker(25 * time.Millisecond)
	defer ticker.Stop()
	for n := range crowdValues {
		<-ticker.C
		for _, record := range h.flow {
			record.Produce(flowing{N: n + 1, At: time.Now().UnixNano()})
		}
		h.big.Produce(flowing{N: n, Text: text})
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		peak = max(peak, m.HeapInuse+m.StackInuse)
	}
	return peak
}

// readAll subscribes and reads until it has all values, each once and in order.
func (h *crowdHub) readAll(ctx context.Context, transport string, subscribed func()) ([]time.Duration, error) {
	once := sync.OnceFunc(subscribed)
	defer once()
	c, err := h.dial(ctx, transport, crowdToken)
	if err != nil {
		return nil, err
	}
	defer c.close()
	defer context.AfterFunc(ctx, c.close)()
	if err := errors.Join(c.send([]byte(`{"t":"sub","id":7,"topic":"flow.#"}`)), c.send([]byte(`{"t":"ping"}`))); err != nil {
		return nil, err
	}
	var latencies []time.Duration
	last := map[string]int{}
	for len(latencies) < crowdValues*len(h.flow) {
		frame, err := c.receive()
		if err != nil {
			return nil, fmt.Errorf("after %v: %w", last, err)
		}
		var e struct {
			T, Topic string
			Seq      int
			Data     flowing
		}
		if err := json.Unmarshal(frame, &e); err != nil {
			return nil, fmt.Errorf("%w in %s", err, frame)
		}
		switch e.T {
		case "pong":
			once()
		case "event":
			latencies = append(latencies, time.Since(time.Unix(0, e.Data.At)))
			if last[e.Topic]++; e.Data.N != last[e.Topic] || e.Seq != len(latencies) {
				return nil, fmt.Errorf("got %s, want the value %d under the number %d", frame, last[e.Topic], len(latencies))
			}
		}
	}
	return latencies, nil
}

// TestCrowd: of 500 clients (250 under the race detector) over three transports a tenth misbehaves. The others get every
// value in order, in about the memory that is used without them, who sends frames that are too
// long is cut off, and nothing is left of any. How late the values are depends on the
// processors that the rogues take from the readers in the same process, and is logged only.
func TestCrowd(t *testing.T) {
	defer goleak.VerifyNone(t, goleak.IgnoreCurrent()) // the server of other tests
	t.Run("among rogues", func(t *testing.T) {
		alone, memoryAlone := openCrowd(t).run(t, 0)
		among, memoryAmong := openCrowd(t).run(t, crowdRogues)
		if t.Failed() {
			return
		}
		at := func(all []time.Duration, share float64) time.Duration { return all[int(float64(len(all)-1)*share)] }
		for _, share := range []float64{0.5, 0.99, 1} {
			a, b := at(alone, share), at(among, share)
			t.Logf("quantile %v: %v without rogues, %v among them", share, a, b)
			// Under the race detector the rogues, which are in this process, take most of the
			// machine, and the latency is theirs.
			if limit := 10*a + 5*time.Second; slower == 1 && b > limit {
				t.Errorf("quantile %v of the latency is %v among rogues and %v without, more than %v", share, b, a, limit)
			}
		}
		t.Logf("memory: %d MiB without rogues, %d MiB among them", memoryAlone>>20, memoryAmong>>20)
		if memoryAmong > memoryAlone+128<<20 {
			t.Errorf("%d MiB were used among rogues, %d MiB without", memoryAmong>>20, memoryAlone>>20)
		}
	})
}
