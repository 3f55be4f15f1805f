package hub_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/aimdb-go/aimdb"
)

// outsideHub starts a NATS server that somebody else runs, and returns a connection to
// the account that sites join.
func outsideHub(t *testing.T) (*nats.Conn, string) {
	t.Helper()
	opts := &server.Options{ServerName: "outside", Host: "127.0.0.1", Port: -1, JetStream: true, StoreDir: t.TempDir(), NoSigs: true, NoLog: true}
	opts.LeafNode.Host, opts.LeafNode.Port = "127.0.0.1", -1
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
	return nc, fmt.Sprintf("127.0.0.1:%d", opts.LeafNode.Port)
}

const siteAPI = "$JS.aimdb-north.API."

// awaitSite waits until a site answers the hub.
func awaitSite(t *testing.T, nc *nats.Conn) {
	t.Helper()
	for ctx := deadline(t); ; {
		m, err := nc.Request(siteAPI+"STREAM.INFO.AIMDB_north", nil, time.Second)
		if err == nil && strings.Contains(string(m.Data), `"state"`) {
			return
		}
		if ctx.Err() != nil {
			t.Fatal(err)
		}
	}
}

// TestAHubOnlyReads tries each door of a site from the hub's side. What a hub may not do
// is refused, or reaches nobody; the log of the site stays as it is, and nothing of a
// private record leaves.
func TestAHubOnlyReads(t *testing.T) {
	t.Parallel()
	nc, address := outsideHub(t)
	north := startSite(t, t.TempDir(), "north", address, aimdb.NATS("127.0.0.1:0"))
	north.produce(t, 5)
	awaitSite(t, nc)
	before := len(north.rows(t))
	source := func(change string) string {
		return `{"stream_name":"AIMDB_north","config":{"name":"JS_SRC_x","deliver_subject":"_AIMDB_SOURCE.AIMDB_north.S.y","ack_policy":"none",` +
			`"filter_subject":"aimdb.north.log.>","direct":true,"sourcing":true,"flow_control":true,"idle_heartbeat":1000000000` + change + `}}`
	}
	without := func(old, now string) string { return strings.Replace(source(""), old, now, 1) }
	const create = siteAPI + "CONSUMER.CREATE.AIMDB_north"
	for _, door := range []struct{ name, subject, body, want string }{
		{"the state", siteAPI + "STREAM.INFO.AIMDB_north", ``, `"messages":10`},
		{"a source", create, source(""), `"JS_SRC_x`},
		{"a count", create, `{"stream_name":"AIMDB_north","config":{"filter_subject":"aimdb.north.log.>","ack_policy":"none"}}`, `"num_pending":5`},
		{"the end of a source", siteAPI + "CONSUMER.DELETE.AIMDB_north.JS_SRC_x", ``, `consumer not found`},

		{"subjects of private records", siteAPI + "STREAM.INFO.AIMDB_north", `{"subjects_filter":">"}`, "not open"},
		{"a source of everything", create, source(`,"filter_subject":">"`), "not open"},
		{"a source without a filter", create, without(`"filter_subject":"aimdb.north.log.>",`, ""), "needs a filter"},
		{"a source of private records", create, source(`,"filter_subject":"aimdb.north.private.>"`), "not open"},
		{"a source of losses", create, source(`,"filter_subject":"","filter_subjects":["aimdb.north.log.>","aimdb.north.loss.>"]`), "not open"},
		{"delivery to the log", create, source(`,"deliver_subject":"aimdb.north.log.room.open"`), "under _AIMDB_SOURCE"},
		{"delivery to the API", create, source(`,"deliver_subject":"$JS.API.STREAM.PURGE.AIMDB_north"`), "under _AIMDB_SOURCE"},
		{"delivery to a wildcard", create, source(`,"deliver_subject":"_AIMDB_SOURCE.AIMDB_north.>"`), "under _AIMDB_SOURCE"},
		{"a durable", create, source(`,"durable_name":"d"`), "of a source"},
		{"a durable to pull", create, `{"stream_name":"AIMDB_north","config":{"durable_name":"d","filter_subject":"aimdb.north.log.>"}}`, "ephemeral"},
		{"a count of everything", create, `{"stream_name":"AIMDB_north","config":{}}`, "needs a filter"},
		{"another stream", siteAPI + "CONSUMER.CREATE.OTHER", source(""), "not open"},
		{"an update", siteAPI + "STREAM.UPDATE.AIMDB_north", `{"name":"AIMDB_north","subjects":["x"]}`, "not open"},
		{"a new stream", siteAPI + "STREAM.CREATE.X", `{"name":"X"}`, "not open"},
		{"a deletion", siteAPI + "STREAM.DELETE.AIMDB_north", ``, "not open"},
		{"a purge", siteAPI + "STREAM.PURGE.AIMDB_north", ``, "not open"},
		{"a deleted message", siteAPI + "STREAM.MSG.DELETE.AIMDB_north", `{"seq":1}`, "not open"},
		{"a message by sequence", siteAPI + "STREAM.MSG.GET.AIMDB_north", `{"seq":1}`, "not open"},
		{"a message by subject", siteAPI + "STREAM.MSG.GET.AIMDB_north", `{"last_by_subj":"aimdb.north.log.room.open"}`, "not open"},
		{"a direct message", siteAPI + "DIRECT.GET.AIMDB_north", `{"seq":1}`, "403"},
		{"a snapshot", siteAPI + "STREAM.SNAPSHOT.AIMDB_north", `{"deliver_subject":"x"}`, "not open"},
		{"streams", siteAPI + "STREAM.LIST", ``, "not open"},
		{"consumers", siteAPI + "CONSUMER.NAMES.AIMDB_north", ``, "not open"},
		{"pulling", siteAPI + "CONSUMER.MSG.NEXT.AIMDB_north.x", ``, "not open"},
		{"a consumer of the process", siteAPI + "CONSUMER.DELETE.AIMDB_north.sink_sqlite_1", ``, "not open"},
		{"the account", siteAPI + "INFO", ``, "not open"},
		{"the API of the hub's own domain", "$JS.API.STREAM.INFO.AIMDB_north", ``, "stream not found"},
		{"the guard", "_AIMDB_GUARD.AIMDB_north.info", ``, "nobody"},
		{"the log", "aimdb.north.log.room.open", `666`, "nobody"},
		{"a live value", "aimdb.north.live.room.open", `666`, "nobody"},
		{"a private record", "aimdb.north.private.room.secret", `666`, "nobody"},
		{"a loss", "aimdb.north.loss.room.open", `{}`, "nobody"},
		{"an acknowledgement", "$JS.ACK.AIMDB_north.x.1.1.1.1.0", `+ACK`, "nobody"},
	} {
		t.Run(door.name, func(t *testing.T) {
			m, err := nc.Request(door.subject, []byte(door.body), 20*time.Second)
			got := ""
			switch {
			case errors.Is(err, nats.ErrNoResponders):
				got = "nobody"
			case err != nil:
				t.Fatal(err)
			default:
				got = fmt.Sprint(string(m.Data), m.Header)
			}
			if !strings.Contains(got, door.want) {
				t.Errorf("the answer is %s, want %s", got, door.want)
			}
		})
	}
	all, err := nc.SubscribeSync(">")
	if err == nil {
		err = nc.Flush()
	}
	if err != nil {
		t.Fatal(err)
	}
	awaitSite(t, nc)
	north.produce(t, 1)
	if rows := north.rows(t); len(rows) != before+1 {
		t.Errorf("the site has the rows %v", rows)
	}
	for open := false; ; {
		m, err := all.NextMsg(time.Second)
		if errors.Is(err, nats.ErrTimeout) && open {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		open = open || m.Subject == "aimdb.north.log.room.open"
		if text := m.Subject + string(m.Data); strings.Contains(text, "secret") || m.Header.Get("Aimdb-Key") == "room::secret" {
			t.Errorf("a private record leaves by %s: %s", m.Subject, m.Data)
		}
	}
}

// rows returns the stored values of the open record.
func (s *site) rows(t *testing.T) []aimdb.Row[int] {
	t.Helper()
	rows, err := aimdb.QueryRange[int](deadline(t), s.db, "room::open", time.Time{}, time.Time{})
	if err != nil {
		t.Fatal(err)
	}
	return rows
}

// A hub on a server of somebody else reads a site as well.
func TestAnOutsideHubSources(t *testing.T) {
	nc, address := outsideHub(t)
	north := startSite(t, t.TempDir(), "north", address)
	north.produce(t, 5)
	awaitSite(t, nc)
	js, err := jetstream.New(nc)
	if err != nil {
		t.Fatal(err)
	}
	_, err = js.CreateStream(deadline(t), jetstream.StreamConfig{Name: "HUB", Sources: []*jetstream.StreamSource{{
		Name: "AIMDB_north", FilterSubject: "aimdb.north.log.>",
		External: &jetstream.ExternalStream{APIPrefix: "$JS.aimdb-north.API", DeliverPrefix: "_AIMDB_SOURCE.AIMDB_north"},
	}}})
	if err != nil {
		t.Fatal(err)
	}
	for ctx := deadline(t); ; {
		stream, err := js.Stream(ctx, "HUB")
		if err != nil {
			t.Fatal(err)
		}
		if n := stream.CachedInfo().State.Msgs; n == 5 {
			return
		}
	}
}
