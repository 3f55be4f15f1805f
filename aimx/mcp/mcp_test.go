package mcp

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"go.uber.org/goleak"

	"github.com/aimdb-go/aimdb"
	"github.com/aimdb-go/aimdb/aimx"
)

// gateway runs a database until the test ends, and returns the path of its socket.
func gateway(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "m") // a socket has a short path
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	socket := filepath.Join(dir, "s.sock")
	db, err := aimdb.New(aimdb.Gateway(socket))
	if err == nil {
		_, err = aimdb.Register[int](db, "n", aimdb.Latest(), aimdb.Remote(), aimdb.Initial(1))
	}
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- db.Run(ctx) }()
	t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	<-db.Ready()
	return socket
}

func newServer(t *testing.T, c Config) *Server {
	t.Helper()
	s, err := New(c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s
}

// TestTokenGoesNowhereElse: the token is shown to the configured endpoints only, and is in
// no error.
func TestTokenGoesNowhereElse(t *testing.T) {
	var mu sync.Mutex
	shown := map[string]string{}
	listen := func() string {
		web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			mu.Lock()
			defer mu.Unlock()
			shown[r.Host] = r.Header.Get("Authorization") + r.URL.Query().Get("token")
			w.WriteHeader(http.StatusTeapot)
		}))
		t.Cleanup(web.Close)
		return strings.TrimPrefix(web.URL, "http://")
	}
	configured, allowed, other := listen(), listen(), listen()
	s := newServer(t, Config{Endpoint: "ws://" + configured + "/ws", Allow: []string{"ws://" + allowed + "/ws?token=inside"}, Dial: func(ctx context.Context, e string) (*aimx.Client, error) {
		return aimx.Dial(ctx, e, aimx.Token("outside"))
	}})
	for _, endpoint := range []string{"", "ws://" + configured, "ws://" + allowed + "/ws?token=x", "ws://" + other} {
		_, err := s.listRecords(t.Context(), listArguments{at: at{Endpoint: endpoint}})
		if err == nil || strings.Contains(err.Error(), "inside") || strings.Contains(err.Error(), "outside") {
			t.Errorf("%s: the error is %v", endpoint, err)
		}
	}
	if shown[configured] != "Bearer outside" || shown[allowed] != "Bearer outsideinside" || shown[other] != "" {
		t.Errorf("shown were %v", shown)
	}
}

// TestEndpointsOfOtherMachines are refused unless they are configured.
func TestEndpointsOfOtherMachines(t *testing.T) {
	s := newServer(t, Config{Endpoint: "tcp://db.example.org:7433", Allow: []string{"wss://b.example.org:443/ws", "nats://user:secret@c.example.org:4222/hub"}, Dial: dial})
	for endpoint, admitted := range map[string]bool{
		"":                                         true,
		"tcp://db.example.org:7433":                true,
		"TCP://db.example.org:7433":                true,
		"wss://b.example.org:443":                  true,
		"/tmp/a.sock":                              true,
		"uds:///tmp/a.sock":                        true,
		"tcp://127.0.0.1:1":                        true,
		"tcp://[::1]:1":                            true,
		"ws://localhost:80":                        true,
		"tcps://db.example.org:7433":               false,
		"tcp://db.example.org:7434":                false,
		"ws://b.example.org:443/ws":                false,
		"wss://b.example.org:443/ws?a=b":           false,
		"nats://user:xxxxx@c.example.org:4222/hub": true,
		"nats://d.example.org:4222/hub":            false,
		"tcp://192.0.2.1:7433":                     false,
		"tcp://0.0.0.0:7433":                       false,
		"ws://127.0.0.1.example.org:80":            false,
		"ws://localhost@example.org:80":            false,
		"ws://127.0.0.1:80@example.org:80":         false,
	} {
		to, err := s.target(at{endpoint})
		if (err == nil) != admitted || strings.Contains(to.name, "secret") {
			t.Errorf("%q: %q, %v, want admitted %v", endpoint, to.name, err, admitted)
		}
	}
}

// TestConnectionsAreBounded: many endpoints share a few connections, and one that is lost is
// opened again.
func TestConnectionsAreBounded(t *testing.T) {
	before := goleak.IgnoreCurrent()
	t.Cleanup(func() { goleak.VerifyNone(t, before) }) // after the database has ended
	socket := gateway(t)
	s := newServer(t, Config{})
	ask := func(path string) {
		t.Helper()
		answer, err := s.getRecord(t.Context(), getArguments{recordArguments: recordArguments{at: at{path}, Record: "n"}})
		if err != nil || string(answer.Value) != "1" {
			t.Fatalf("%s: %s, %v", path, answer.Value, err)
		}
	}
	for i := range maxConnections + 4 {
		link := fmt.Sprint(socket, i)
		if err := os.Symlink(socket, link); err != nil {
			t.Fatal(err)
		}
		ask(link)
	}
	if len(s.pool.open) != maxConnections {
		t.Errorf("%d connections are open", len(s.pool.open))
	}
	for _, c := range s.pool.open {
		_ = c.client.Close() // as if the server had cut it
	}
	for i := maxConnections + 3; i >= 0; i-- { // the latest ones are not closed for others
		ask(fmt.Sprint(socket, i))
	}
	s.Close()
	if _, err := s.listRecords(t.Context(), listArguments{at: at{socket}}); !errors.Is(err, errPoolClosed) {
		t.Errorf("after the end: %v", err)
	}
}

// wideListener has an address that other machines reach.
type wideListener struct{ net.Listener }

func (wideListener) Addr() net.Addr { return &net.TCPAddr{IP: net.IPv4(192, 0, 2, 1), Port: 7434} }

func TestServeWantsAToken(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	if err := newServer(t, Config{}).Serve(t.Context(), wideListener{l}, ""); err == nil || !strings.Contains(err.Error(), "token") {
		t.Errorf("it served without a token: %v", err)
	}
}

// TestDiscovery: what answers is listed once, and a socket that does not is counted.
func TestDiscovery(t *testing.T) {
	socket := gateway(t)
	silent, err := net.Listen("unix", filepath.Join(filepath.Dir(socket), "silent.sock"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = silent.Close() }() // it accepts nobody
	// Anybody can make a link in /tmp, and so it is not followed.
	if err := os.Symlink(socket, filepath.Join(filepath.Dir(socket), "link.sock")); err != nil {
		t.Fatal(err)
	}
	s := newServer(t, Config{Endpoint: socket, SocketDirs: []string{filepath.Dir(socket), "/nowhere/at/all"}})
	found := s.discover(t.Context())
	if len(found.Instances) != 1 || found.Instances[0].Endpoint != "unix://"+socket || found.Silent != 1 {
		t.Errorf("found %+v", found)
	}
}

// TestFitting: a part of a list fits, and the cursors lead through all of it.
func TestFitting(t *testing.T) {
	var list []string
	for i := range 100 {
		list = append(list, fmt.Sprint(i, strings.Repeat("<", i%7*50)))
	}
	c, err := parseCursor("", "x")
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for {
		some, left := part(4000, list, c, 30)
		all = append(all, some...)
		text, err := encode(some)
		if err != nil || len(text) > 4000-reserve+10 || len(some) == 0 || left.LeftOut != len(list)-len(all) {
			t.Fatalf("a part has %d bytes and leaves out %d, %v", len(text), left.LeftOut, err)
		}
		if left.NextCursor == "" {
			break
		}
		if c, err = parseCursor(left.NextCursor, "x"); err != nil {
			t.Fatal(err)
		}
		if _, err := parseCursor(left.NextCursor, "y"); !errors.Is(err, errBadCursor) {
			t.Error("a cursor of other arguments is accepted")
		}
	}
	if fmt.Sprint(all) != fmt.Sprint(list) {
		t.Errorf("the parts are %v", all)
	}
}

// TestCutValue: the beginning of a large value is text, whatever is in it.
func TestCutValue(t *testing.T) {
	raw := json.RawMessage(`"` + strings.Repeat(`ä"`, 5000) + `"`)
	v := valueOf(raw, 1001)
	text, err := encode(v)
	if err != nil || v.Value != nil || v.Bytes != len(raw) || len(text) > 1101 || !json.Valid(text) {
		t.Errorf("%d bytes: %.50s, %v", len(text), text, err)
	}
}

// TestWindowStays: the window of a cursor is that of the first answer.
func TestWindowStays(t *testing.T) {
	first, err := windowOf("", "1h ago", "now", "x")
	if err != nil {
		t.Fatal(err)
	}
	first.Offset = 5
	again, err := windowOf(first.encode(), "1h ago", "now", "x")
	if err != nil || *again.Start != *first.Start || *again.End != *first.End || again.Offset != 5 {
		t.Errorf("%+v, then %+v, %v", first, again, err)
	}
	if _, err := windowOf(first.encode(), "2h ago", "now", "x"); !errors.Is(err, errBadCursor) {
		t.Errorf("another window is accepted: %v", err)
	}
}
