package aimdb_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/micro"

	"github.com/aimdb-go/aimdb"
	"github.com/aimdb-go/aimdb/internal/natstest"
)

// dialNATS connects to a NATS server as a client of it.
func dialNATS(t *testing.T, url string, opts ...nats.Option) *nats.Conn {
	t.Helper()
	if !strings.Contains(url, "://") {
		url = "nats://" + url
	}
	nc, err := nats.Connect(url, append(opts, nats.ErrorHandler(func(*nats.Conn, *nats.Subscription, error) {}))...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(nc.Close)
	return nc
}

// awaitService waits until a service answers.
func awaitService(t *testing.T, nc *nats.Conn, database string) {
	t.Helper()
	for end := time.Now().Add(time.Minute); ; {
		_, err := nc.Request("aimdb."+database+".rpc.hello", nil, 10*time.Second)
		if err == nil {
			return
		}
		if !errors.Is(err, nats.ErrNoResponders) || time.Now().After(end) {
			t.Fatal(err)
		}
		time.Sleep(10 * time.Millisecond) // there is no event for a service that begins
	}
}

// askService returns the answer to a request: its body, or the code and text of its error.
func askService(t *testing.T, nc *nats.Conn, subject, body string) string {
	t.Helper()
	before := nc.LastError()
	inbox := nc.NewInbox()
	sub, err := nc.SubscribeSync(inbox)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = sub.Unsubscribe() }()
	if err := nc.PublishRequest(subject, inbox, []byte(body)); err != nil {
		t.Fatal(err)
	}
	if err := nc.Flush(); err != nil {
		t.Fatal(err)
	}
	if err := nc.LastError(); err != before && errors.Is(err, nats.ErrPermissionViolation) {
		return "no permission"
	}
	m, err := sub.NextMsg(time.Minute)
	if err != nil {
		return err.Error()
	}
	if code := m.Header.Get(micro.ErrorCodeHeader); code != "" {
		var failure struct{ Code, Message string }
		if err := json.Unmarshal(m.Data, &failure); err != nil || failure.Message != m.Header.Get(micro.ErrorHeader) {
			t.Errorf("%s: the body of an error is %s, its header %v", subject, m.Data, m.Header)
		}
		return code + " " + failure.Message
	}
	return string(m.Data)
}

// TestServiceOfTheEmbeddedServer: a client without any credentials lists, gets, queries,
// and sets what ServiceWrites names.
func TestServiceOfTheEmbeddedServer(t *testing.T) {
	db := open(t, t.TempDir(), aimdb.Name("hub"), aimdb.NATS(":0"), aimdb.ServiceWrites("attic.*", "cellar.safe"))
	co2 := register[reading](t, db, "attic::co2", aimdb.Ring(10), aimdb.Persist(), aimdb.Remote())
	register[int](t, db, "attic.lamp", aimdb.Latest(), aimdb.Remote(), aimdb.Writable())
	register[int](t, db, "garden.lamp", aimdb.Latest(), aimdb.Remote(), aimdb.Writable())
	register[int](t, db, "cellar.safe", aimdb.Latest(), aimdb.Persist()).Produce(7)
	register[int](t, db, "50%._all", aimdb.Latest(), aimdb.Remote()).Produce(50)
	defer start(t, db)()
	for i := range 3 {
		co2.Produce(reading{"x", float64(i)})
	}
	if err := db.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	nc := dialNATS(t, db.Addresses().NATS)
	awaitService(t, nc, "hub")
	for _, c := range []struct{ subject, body, want string }{
		{"hello", "", `"server":"hub"`},
		{"hello", "", `"writable_records":["attic.lamp"]`},
		{"hello", `{"version":"2.0"}`, "505 "},
		{"get.attic.co2", "", `{"city":"x","celsius":2.0}`},
		{"get.attic.lamp", "", "404 "},
		{"get.nothing", "", "404 "},
		{"get.cellar.safe", "", "500 record \"cellar.safe\" is not exposed"},
		{"get.50%25.%5Fall", "", "50"},
		{"get.50%25._all", "", "500 the subject"},
		{"get.attic", "", "404 "},
		{"get", "", "nats: no responders"},
		{"set.attic.lamp", `{"value":4}`, `{"status":"success"}`},
		{"get.attic.lamp", "", "4"},
		{"set.attic.lamp", `{"value":"x"}`, "500 "},
		{"set.attic.lamp", ``, "500 record.set needs"},
		{"set.garden.lamp", `{"value":4}`, "403 "},
		{"set.attic.co2", `{"value":{"city":"y","celsius":1}}`, "403 "},
		{"set.cellar.safe", `{"value":4}`, "403 "},
		{"query.attic.co2", `{"limit":2}`, `"total":2`},
		{"query", `{"limit":9}`, `"total":3`},
		{"query._all", `{"limit":9}`, `"total":3`},
		{"query._any.co2", `{"limit":9}`, `"total":3`},
		{"query.attic._all", `{"limit":1,"cursor":""}`, `"next":"`},
		{"query.cellar.safe", "", "500 "},
		{"query.attic._all.co2", "", "500 "},
		{"query.attic.co2", `{"name":"#"}`, "500 "},
		{"query.attic.co2", `7`, "500 "},
		{"history.page.attic._all", `{"limit":1}`, `"rows":[{"record":"attic::co2"`},
		{"history.page", `{"Pattern":"#"}`, "500 "},
		{"history.buckets.attic.co2", `{"width":3600000,"path":"celsius"}`, `"count":3`},
		{"history.stats", "", `"private_records":1`},
		{"history.stats.garden._all", "", `"records":[]`},
		{"history.verify", "", `"verdict":"complete"`},
		{"sink.list", "", `"name":"sqlite"`},
		{"graph.nodes.garden._all", "", `[{"key":"garden.lamp"`},
		{"graph.edges", "", `[`},
		{"graph.topo_order.attic._all", "", `["attic::co2","attic.lamp"]`},
		{"list.garden._any", "", `[{"record_id":2,"record_key":"garden.lamp"`},
		{"live", "", `{"live":true}`},
		{"drain.attic.co2", "", "nats: no responders"},
	} {
		if got := askService(t, nc, "aimdb.hub.rpc."+c.subject, c.body); !strings.Contains(got, c.want) {
			t.Errorf("%s %s: %s; want %s", c.subject, c.body, got, c.want)
		}
	}
	for subject, want := range map[string]string{"$SRV.PING": `"name":"aimdb-hub"`, "$SRV.INFO.aimdb-hub": `history.page.`, "$SRV.STATS.aimdb-hub": `"busy":0`} {
		if got := askService(t, nc, subject, ""); !strings.Contains(got, want) {
			t.Errorf("%s: %s", subject, got)
		}
	}
	// A client that reads the requests of others would see what they set.
	spy, err := nc.SubscribeSync("aimdb.*.*.>")
	if err != nil {
		t.Fatal(err)
	}
	if got := askService(t, nc, "aimdb.hub.rpc.get.attic.lamp", ""); got != "4" {
		t.Error(got)
	}
	if m, err := spy.NextMsg(300 * time.Millisecond); err == nil && strings.Contains(m.Subject, ".rpc.") {
		t.Errorf("a client got the request of another: %s", m.Subject)
	}
}

// TestServiceDoors: what a user of an outside server reaches by its permissions, and that
// nothing is reached beside.
func TestServiceDoors(t *testing.T) {
	users := map[string]string{
		"attic": `"aimdb.db.rpc.*.attic.>", "aimdb.db.rpc.history.*.attic.>", "aimdb.db.rpc.graph.*.attic.>"`,
		"one":   `"aimdb.db.rpc.get.attic.co2", "aimdb.db.rpc.query.attic.co2", "aimdb.db.rpc.set.attic.lamp"`,
		"level": `"aimdb.db.rpc.query.*.co2"`,
		"but":   `{ALLOW}`,
	}
	var config strings.Builder
	config.WriteString("accounts { A: { jetstream: enabled, users: [ {user: program, password: p}\n")
	for name, allow := range users {
		publish := "[" + allow + "]"
		if name == "but" {
			publish = `{ allow: "aimdb.db.rpc.>", deny: "aimdb.db.rpc.*.cellar.>" }`
		}
		fmt.Fprintf(&config, "{user: %s, password: p, permissions: { publish: %s, subscribe: \"_INBOX.>\" } }\n", name, publish)
	}
	config.WriteString("] } }")
	s := natstest.Start(t, natstest.Options{User: "program", Password: "p", Config: config.String()})
	db := open(t, t.TempDir(), aimdb.Name("db"), aimdb.Log(aimdb.Cluster{URLs: []string{s.URL}, User: "program", Password: "p"}), aimdb.ServiceWrites("attic.lamp"))
	for _, name := range []string{"attic", "attic.co2", "attic::room.co2", "cellar.co2", "atticx.co2"} {
		register[int](t, db, name, aimdb.Ring(4), aimdb.Persist(), aimdb.Remote()).Produce(len(name))
	}
	register[int](t, db, "attic.lamp", aimdb.Latest(), aimdb.Remote(), aimdb.Writable()).Produce(1)
	register[int](t, db, "attic.safe", aimdb.Ring(4), aimdb.Persist()).Produce(1)
	defer start(t, db)()
	if err := db.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	clients := map[string]*nats.Conn{"program": dialNATS(t, s.URL, nats.UserInfo("program", "p"))}
	for name := range users {
		clients[name] = dialNATS(t, s.URL, nats.UserInfo(name, "p"))
	}
	awaitService(t, clients["program"], "db")
	const no = "no permission"
	for _, c := range []struct{ user, subject, want string }{
		{"attic", "get.attic.co2", "9"},
		{"attic", "get.attic.room.co2", "15"},
		{"attic", "get.attic", no},
		{"attic", "get.cellar.co2", no},
		{"attic", "get.%61ttic.co2", no},
		{"attic", "get.attic.%63o2", "500"},
		{"attic", "get.attic.%2E%2E.cellar", "500"},
		{"attic", "get.attic.._all", no},
		{"attic", "get.attic.safe", "500"},
		{"attic", "query", no},
		{"attic", "query._all", no},
		{"attic", "query.attic._all", "attic.co2 attic::room.co2"},
		{"attic", "query.attic._any", "attic.co2"},
		{"attic", "query.attic._any._all", "attic::room.co2"},
		{"attic", "query.attic.safe", "500"},
		{"attic", "history.page.attic._all", "attic.co2 attic::room.co2"},
		{"attic", "history.page", no},
		{"attic", "history.buckets.cellar._all", no},
		{"attic", "list.attic._all", "attic.co2 attic.lamp attic.safe attic::room.co2"},
		{"attic", "list", no},
		{"attic", "graph.nodes.attic._all", "attic.co2 attic.lamp attic.safe attic::room.co2"},
		{"attic", "graph.nodes", no},
		{"attic", "history.stats.attic._all", "attic.co2 attic::room.co2"},
		{"attic", "hello", no},
		{"one", "get.attic.co2", "9"},
		{"one", "get.attic.room.co2", no},
		{"one", "query.attic.co2", "attic.co2"},
		{"one", "query.attic._any", no},
		{"one", "query.attic._all", no},
		{"one", "set.attic.lamp", "success"},
		{"one", "get.attic.lamp", no},
		{"level", "query._any.co2", "attic.co2 atticx.co2 cellar.co2"},
		{"level", "query._all.co2", "500"},
		{"level", "query._all", no},
		{"level", "query.attic._all", no},
		{"but", "get.attic.co2", "9"},
		{"but", "get.cellar.co2", no},
		{"but", "get.%63ellar.co2", "500"},
		{"but", "get.cell%61r.co2", "500"},
		{"but", "get.cellar::co2", "500"},
		{"program", "query", "attic attic.co2 attic::room.co2 atticx.co2 cellar.co2"},
	} {
		body := ""
		if strings.HasPrefix(c.subject, "set.") {
			body = `{"value":2}`
		}
		got := askService(t, clients[c.user], "aimdb.db.rpc."+c.subject, body)
		if names := recordsIn(got); names != "" {
			got = names
		}
		if got != c.want && (c.want != "500" && c.want != "success" || !strings.Contains(got, c.want)) {
			t.Errorf("%s %s: %s; want %s", c.user, c.subject, got, c.want)
		}
	}
}

// TestServiceAnswersIntoNoLog: who may ask the service cannot make it write into the log,
// or ask the servers, by the subject of the answer.
func TestServiceAnswersIntoNoLog(t *testing.T) {
	s := natstest.Start(t, natstest.Options{User: "program", Password: "p", Config: `accounts { A: { jetstream: enabled, users: [ {user: program, password: p}
		{user: reader, password: p, permissions: { publish: "aimdb.db.rpc.>", subscribe: "_INBOX.>" } } ] } }`})
	db := open(t, t.TempDir(), aimdb.Name("db"), aimdb.Log(aimdb.Cluster{URLs: []string{s.URL}, User: "program", Password: "p"}))
	register[int](t, db, "a", aimdb.Ring(4), aimdb.Persist(), aimdb.Remote()).Produce(1)
	defer start(t, db)()
	if err := db.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	program, reader := dialNATS(t, s.URL, nats.UserInfo("program", "p")), dialNATS(t, s.URL, nats.UserInfo("reader", "p"))
	awaitService(t, program, "db")
	var heard []*nats.Subscription
	replies := []string{"aimdb.db.log.a", "$JS.API.STREAM.DELETE.AIMDB_db"}
	for _, reply := range replies {
		sub, err := program.SubscribeSync(reply)
		if err != nil {
			t.Fatal(err)
		}
		heard = append(heard, sub)
	}
	if err := program.Flush(); err != nil {
		t.Fatal(err)
	}
	for _, request := range []string{"get.a", "get.nothing", "list"} {
		for _, reply := range replies {
			if err := reader.PublishRequest("aimdb.db.rpc."+request, reply, nil); err != nil {
				t.Fatal(err)
			}
		}
		if got := askService(t, reader, "aimdb.db.rpc."+request, ""); got == "" { // answered after those
			t.Error("no answer")
		}
	}
	if err := program.Flush(); err != nil {
		t.Fatal(err)
	}
	for _, sub := range heard {
		if n, _, err := sub.Pending(); err != nil || n > 0 {
			t.Errorf("%d answers went to %s: %v", n, sub.Subject, err)
		}
	}
}

// recordsIn returns the names of the records that an answer is about.
func recordsIn(answer string) string {
	var names []string
	for _, member := range []string{`"record_key":"`, `"topic":"`, `"record":"`, `"key":"`} {
		for _, part := range strings.Split(answer, member)[1:] {
			names = append(names, part[:strings.IndexByte(part, '"')])
		}
		if len(names) > 0 {
			break
		}
	}
	slices.Sort(names)
	return strings.Join(names, " ")
}

// TestServiceAccounts: the users of accounts.conf have what the service needs, and what it
// says that they may ask.
func TestServiceAccounts(t *testing.T) {
	config, err := os.ReadFile("bus/cluster/accounts.conf")
	if err != nil {
		t.Fatal(err)
	}
	s := natstest.Start(t, natstest.Options{User: "program", Password: "change me", Config: string(config), NoWait: true})
	var said lockedBuffer
	db := open(t, t.TempDir(), aimdb.Name("hub"), aimdb.Log(aimdb.Cluster{URLs: []string{s.URL}, User: "program", Password: "change me"}),
		aimdb.Logger(slog.New(slog.NewTextHandler(&said, &slog.HandlerOptions{Level: slog.LevelWarn}))))
	register[int](t, db, "a", aimdb.Ring(4), aimdb.Persist(), aimdb.Remote()).Produce(1)
	stop := start(t, db)
	if err := db.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	nc := dialNATS(t, s.URL, nats.UserInfo("reader", "change me too"))
	for end := time.Now().Add(time.Minute); askService(t, nc, "aimdb.hub.rpc.list", "") == nats.ErrNoResponders.Error(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("no service")
		}
	}
	for subject, want := range map[string]string{
		"list": `"record_key":"a"`, "get.a": "1", "query.a": `"total":1`, "query._all": `"total":1`,
		"query": "no permission", "set.a": "no permission", "history.page": "no permission",
	} {
		if got := askService(t, nc, "aimdb.hub.rpc."+subject, ""); !strings.Contains(got, want) {
			t.Errorf("%s: %s", subject, got)
		}
	}
	stop()
	if said := said.String(); strings.Contains(said, "ermission") {
		t.Errorf("the program lacks permissions: %s", said)
	}
}
