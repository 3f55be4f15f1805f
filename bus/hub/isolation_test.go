package hub_test

import (
	"errors"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"

	"github.com/aimdb-go/aimdb/bus/hub"
)

// stranger joins a hub as a leaf node with the user and password of a site, and lets its
// client do what it likes.
func stranger(t *testing.T, address, user, password string) (*server.Server, *nats.Conn) {
	t.Helper()
	opts := &server.Options{ServerName: "stranger" + strings.ReplaceAll(password, " ", "-"), Host: "127.0.0.1", Port: -1, NoSigs: true, NoLog: true}
	opts.LeafNode.ReconnectInterval = 50 * time.Millisecond
	opts.LeafNode.Remotes = []*server.RemoteLeafOpts{{URLs: []*url.URL{{Scheme: "nats-leaf", Host: address, User: url.UserPassword(user, password)}}}}
	node, err := server.NewServer(opts)
	if err != nil {
		t.Fatal(err)
	}
	node.Start()
	t.Cleanup(func() { node.Shutdown(); node.WaitForShutdown() })
	if !node.ReadyForConnections(30 * time.Second) {
		t.Fatal("the server did not start")
	}
	nc, err := nats.Connect(node.ClientURL())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(nc.Close)
	return node, nc
}

// A site reaches neither the stream of the hub nor another site, whatever it sends.
func TestASiteReachesNothingElse(t *testing.T) {
	t.Parallel()
	h := openHub(t, t.TempDir(), hub.Config{}, "north", "south")
	h.run(t)
	wrong, _ := stranger(t, h.server.LeafAddr(), "south", "guess")
	node, nc := stranger(t, h.server.LeafAddr(), "south", "of south")
	for ctx := deadline(t); node.NumLeafNodes() == 0; {
		if ctx.Err() != nil {
			t.Fatal("the stranger did not join")
		}
		time.Sleep(10 * time.Millisecond)
	}
	seen, err := nc.SubscribeSync("aimdb.>")
	if err != nil {
		t.Fatal(err)
	}
	north := startSite(t, t.TempDir(), "north", h.server.LeafAddr())
	north.produce(t, 5)
	h.await(t, "north")
	for _, subject := range []string{
		"$JS.API.STREAM.DELETE.AIMDB_HUB_hub", "$JS.API.STREAM.PURGE.AIMDB_HUB_hub", "$JS.API.STREAM.INFO.AIMDB_HUB_hub", "$JS.API.INFO",
		"AIMDB_HUB_hub", "aimdb.north.log.room.open", "aimdb.south.log.room.open", "_AIMDB_SOURCE.AIMDB_north.S.x",
		"$JS.aimdb-north.API.STREAM.INFO.AIMDB_north", "_AIMDB_GUARD.AIMDB_HUB_hub.info", "$JS.FC.AIMDB_north.x",
	} {
		if m, err := nc.Request(subject, []byte(`{}`), 100*time.Millisecond); !errors.Is(err, nats.ErrNoResponders) && !errors.Is(err, nats.ErrTimeout) {
			t.Errorf("%s: %+v, %v", subject, m, err)
		}
	}
	if m, err := seen.NextMsg(100 * time.Millisecond); err == nil && m.Reply == "" {
		t.Errorf("a site sees %s: %s", m.Subject, m.Data)
	}
	north.produce(t, 5)
	if s := h.await(t, "north"); s.Verdict != hub.Complete || s.Logs[0].Messages != 10 {
		t.Errorf("%+v", s)
	}
	if wrong.NumLeafNodes() != 0 {
		t.Error("a leaf node has joined with a wrong password")
	}
}
