package bus

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/aimdb-go/aimdb/bus/natsd"
	"github.com/aimdb-go/aimdb/history"
	"github.com/aimdb-go/aimdb/key"
	"github.com/aimdb-go/aimdb/records"
)

// privateLog is a log with messages of an open record and of one that was Remote in
// the first run and is private in the second:
//
//	1 open 1   2 shut 900001   3 open 2   — 4 open 3   5 shut 900002   6 open 4
//
// A loss of the private record is message 7. Between is a time between the runs.
func privateLog(t *testing.T) (b testBus, between time.Time) {
	t.Helper()
	dir := t.TempDir()
	values := [][]int{{1, 900_001, 2}, {3, 900_002, 4}}
	for run, remote := range []bool{true, false} {
		b = open(t, setup{Dir: dir, Listen: "127.0.0.1:0"})
		reg := registry(t)
		logged := records.Config{Kind: records.Ring, Capacity: 100, Logged: true, Remote: true}
		recs := []*records.Record[reading]{register(t, reg, "open::a", logged), nil}
		logged.Remote = remote
		recs[1] = register(t, reg, "shut.b", logged)
		register(t, reg, "shut.plain", records.Config{Kind: records.Ring, Capacity: 100}).Produce(reading{900_000})
		stop := republish(t, b, reg)
		for i, n := range values[run] {
			if err := recs[i%2].ProduceLogged(deadline(t), reading{n}); err != nil {
				t.Fatal(err)
			}
		}
		old, err := b.FormerlyRemote(deadline(t), reg, false)
		if err != nil {
			t.Fatal(err)
		}
		b.server.AllowReads(natsd.Closed(old))
		if run == 1 {
			if old.To != 2 || len(old.Subjects) != 1 || old.Subjects[0] != "aimdb.test.log.shut.b" {
				t.Fatalf("closed are %+v", old)
			}
			break
		}
		if old.To != 0 {
			t.Fatalf("closed are %+v although no record was private", old)
		}
		readAsConsumer(t, outside(t, b), "early", "", `"filter_subject":"aimdb.test.log.open.a","inactive_threshold":3600000000000`)
		stop()
		asBefore := streamConfig(b.config, b.subjects) // of a version without private subjects
		asBefore.Subjects = []string{"aimdb.test.log.>", "aimdb.test.loss.>"}
		asBefore.Metadata = map[string]string{identityKey: b.identity, databaseKey: "test"}
		if _, err := b.js.UpdateStream(deadline(t), asBefore); err != nil {
			t.Fatal(err)
		}
		closeBus(t, b)
		between = time.Now()
	}
	if _, err := b.js.Publish(deadline(t), "aimdb.test.loss.shut.b", []byte(`{"record":"shut.b","count":900003}`)); err != nil {
		t.Fatal(err)
	}
	return b, between
}

// mustBeOpen fails the test if a text has a name or a value of the private record.
func mustBeOpen(t *testing.T, what, text string) {
	t.Helper()
	if strings.Contains(text, "shut") || strings.Contains(text, "90000") {
		t.Errorf("%s: a private record leaves: %s", what, text)
	}
}

// Every other request that the account admits.
func TestRequestsFromOutsideReadNoPrivateRecord(t *testing.T) {
	b, _ := privateLog(t)
	o := outside(t, b)
	const get, direct, info = "$JS.API.STREAM.MSG.GET.AIMDB_test", "$JS.API.DIRECT.GET.AIMDB_test", "$JS.API.STREAM.INFO.AIMDB_test"
	type row struct{ subject, body, want string }
	var table []row
	for _, api := range []string{get, direct} {
		table = append(table,
			row{api, `{"last_by_subj":"aimdb.test.log.open.a"}`, "aimdb.test.log.open.a 6"},
			row{api, `{"seq":1,"next_by_subj":"aimdb.test.log.open.*"}`, "aimdb.test.log.open.a 1"},
			row{api, `{"seq":2,"next_by_subj":"aimdb.test.log.open.*"}`, "aimdb.test.log.open.a 3"},
			row{api, `{"next_by_subj":"aimdb.test.log.open.a","start_time":"1970-01-01T00:00:00Z"}`, "aimdb.test.log.open.a 1"},
			row{api, `{"last_by_subj":"aimdb.test.log.nothing"}`, "404"},
			row{api, `{"seq":1}`, "name the subject"}, row{api, `{"seq":2}`, "name the subject"}, row{api, `{"seq":5}`, "name the subject"},
			row{api, `{"start_time":"1970-01-01T00:00:00Z"}`, "name the subject"},
			row{api, `{"seq":5,"last_by_subj":"aimdb.test.log.open.a"}`, "name the subject"},
			row{api, `{"last_by_subj":"aimdb.test.log.open.a","next_by_subj":"aimdb.test.log.open.a"}`, "name the subject"},
			row{api, `{"SEQ":5,"Last_By_Subj":"aimdb.test.log.open.a"}`, "name the subject"},
			row{api, `{"last_by_subj":"aimdb.test.log.open.a","LAST_BY_SUBJ":"aimdb.test.private.>"}`, "not open"},
			row{api, `{"seq":5,"multi_last":["aimdb.test.log.open.a"]}`, "multi_last"},
			row{api, `{"multi_last":["aimdb.test.>"]}`, "multi_last"},
			row{api, `{"seq":1,"batch":10}`, "batch"},
			row{api, `{"last_by_subj":"aimdb.test.log.>"}`, "private now"},
			row{api, `{"next_by_subj":"aimdb.test.log.*.b"}`, "private now"},
			row{api, `{"last_by_subj":"aimdb.test.private.>"}`, "not open"},
			row{api, `{"last_by_subj":"aimdb.test.loss.>"}`, "not open"},
			row{api, `{"next_by_subj":">"}`, "not open"},
			row{api, `{}`, "name the subject"}, row{api, ``, "is not one"}, row{api, `[]`, "is not one"},
		)
	}
	table = append(table,
		row{direct + ".aimdb.test.log.open.a", ``, "aimdb.test.log.open.a 6"},
		row{direct + ".aimdb.test.log.nothing", ``, "404"},
		row{direct + ".aimdb.test.log.open.a", `{"seq":5}`, "408"},
		row{direct + ".aimdb.test.log.shut.b", ``, "private now"},
		row{direct + ".aimdb.test.private.shut.b", ``, "not open"},
		row{direct + ".aimdb.test.loss.shut.b", ``, "not open"},
		row{info, ``, `"messages":7`}, row{info, `{}`, `"messages":7`},
		row{info, `{"deleted_details":true}`, `"messages":7`},
		row{info, `{"subjects_filter":"aimdb.test.log.open.>"}`, `"aimdb.test.log.open.a":4`},
		row{info, `{"subjects_filter":"aimdb.test.log.>"}`, "private now"},
		row{info, `{"subjects_filter":">"}`, "not open"}, row{info, `{"Subjects_Filter":"aimdb.test.private.>"}`, "not open"},
		row{"$JS.API.STREAM.LIST", `{"subjects_filter":">"}`, "unknown field"},
		row{"$JS.API.STREAM.LIST", `{"subject":"aimdb.test.private.>"}`, "AIMDB_test"},
		row{"$JS.API.STREAM.NAMES", `{"subject":"aimdb.test.private.>"}`, "AIMDB_test"},
		row{"$JS.API.INFO", ``, `"streams":1`},
	)
	for _, c := range table {
		m, err := o.nc.RequestWithContext(deadline(t), c.subject, []byte(c.body))
		if err != nil {
			t.Fatalf("%s %s: %v", c.subject, c.body, err)
		}
		got := describe(t, m)
		if !strings.Contains(got, c.want) {
			t.Errorf("%s %s: got %s, want %s", c.subject, c.body, got, c.want)
		}
		if !strings.Contains(got, "private now") && !strings.Contains(got, "not open") { // which name the request
			mustBeOpen(t, c.subject+" "+c.body, got)
		}
	}
	if err := o.nc.PublishMsg(&nats.Msg{Subject: direct, Data: []byte(`{"seq":1}`)}); err != nil { // without a reply
		t.Fatal(err)
	}
	if m, err := o.nc.RequestWithContext(deadline(t), direct, []byte(`{"seq":1}`)); err != nil || m.Header.Get("Status") != "403" {
		t.Fatalf("after a request without a reply: %v", err)
	}
}

// describe returns the subject and the sequence of a message that was read, and
// otherwise the answer.
func describe(t *testing.T, m *nats.Msg) string {
	t.Helper()
	if subject := m.Header.Get("Nats-Subject"); subject != "" {
		return subject + " " + m.Header.Get("Nats-Sequence") + " " + string(m.Data)
	}
	if status := m.Header.Get("Status"); status != "" {
		return status + " " + m.Header.Get("Description")
	}
	var got struct {
		Message *struct {
			Subject string
			Seq     int
		}
		Error *struct {
			Code        int
			Description string
		}
	}
	if err := json.Unmarshal(m.Data, &got); err != nil {
		t.Fatalf("%s: %v", m.Data, err)
	}
	switch {
	case got.Message != nil:
		return fmt.Sprint(got.Message.Subject, " ", got.Message.Seq)
	case got.Error != nil:
		return fmt.Sprint(got.Error.Code, " ", got.Error.Description)
	}
	return string(m.Data)
}

// Whatever a client subscribes to, it receives what Remote records publish and
// nothing else.
func TestSubscriptionsFromOutsideReceiveNoPrivateRecord(t *testing.T) {
	b := open(t, setup{Listen: "127.0.0.1:0"})
	reg := registry(t)
	logged := records.Config{Kind: records.Ring, Capacity: 100, Logged: true}
	shut := register(t, reg, "shut.b", logged)
	plain := register(t, reg, "shut.plain", records.Config{Kind: records.Ring, Capacity: 100})
	logged.Remote = true
	public := register(t, reg, "open.b", logged)
	live := register(t, reg, "open.plain", records.Config{Kind: records.Ring, Capacity: 100, Remote: true})
	republish(t, b, reg)
	o := outside(t, b)
	var subs []*nats.Subscription
	for _, subject := range []string{
		"aimdb.*.*.>", "aimdb.test.*.>", "aimdb.test.*.shut.>", "aimdb.*.private.>", "aimdb.test.private.>",
		"aimdb.test.private.shut.b", "aimdb.test.live.shut.plain", "aimdb.*.loss.>", "aimdb.*.*.*.b", "_INBOX.>",
	} {
		sub, err := o.nc.SubscribeSync(subject)
		if err == nil {
			subs = append(subs, sub)
			sub, err = o.nc.QueueSubscribeSync(subject, "group")
		}
		if err != nil {
			t.Fatal(err)
		}
		subs = append(subs, sub)
	}
	inside, err := b.nc.SubscribeSync("aimdb.test.live.shut.>")
	if err != nil {
		t.Fatal(err)
	}
	produceUntil(t, live, subs[0])
	for i := range 3 {
		plain.Produce(reading{900_000 + i})
		if err := shut.ProduceLogged(deadline(t), reading{900_000 + i}); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := b.js.Publish(deadline(t), "aimdb.test.loss.shut.b", []byte(`{"record":"shut.b"}`)); err != nil {
		t.Fatal(err)
	}
	produceUntil(t, live, subs[0]) // the same connection publishes all live values
	if err := public.ProduceLogged(deadline(t), reading{7}); err != nil {
		t.Fatal(err)
	}
	if err := o.nc.Flush(); err != nil {
		t.Fatal(err)
	}
	found := false
	for _, sub := range subs {
		for {
			m, err := sub.NextMsg(0)
			if err != nil {
				break
			}
			found = found || m.Subject == "aimdb.test.log.open.b"
			mustBeOpen(t, sub.Subject, m.Subject+string(m.Data))
		}
	}
	if !found {
		t.Error("the value of the Remote record did not come")
	}
	if n, _, err := inside.Pending(); err != nil || n != 0 {
		t.Errorf("%d live values of a private record were published (%v)", n, err)
	}
	select {
	case err := <-o.errs:
		t.Error(err)
	default:
	}
}

// Names that are not registered are closed if that is asked for.
func TestRetiredRecords(t *testing.T) {
	b, _ := privateLog(t)
	reg := registry(t)
	register(t, reg, "open.new", records.Config{Kind: records.Latest, Remote: true})
	for retired, want := range map[bool]uint64{false: 0, true: 6} {
		if old, err := b.FormerlyRemote(deadline(t), reg, retired); err != nil || old.To != want {
			t.Errorf("retired %v: closed are %+v (%v), want up to %d", retired, old, err, want)
		}
	}
}

// Readers of the process itself see both kinds of subjects.
func TestTheProcessReadsPrivateRecords(t *testing.T) {
	b, _ := privateLog(t)
	want := []string{"1", "900001", "2", "3", "900002", "4"}
	for i, m := range readAll(t, b, history.Position{}, 6) {
		if got := strings.Trim(string(m.Value), `{"n:}`); got != want[i] {
			t.Errorf("message %d is %s, want %s", i+1, got, want[i])
		}
	}
	n := 0
	for m, err := range b.Follow(deadline(t), key.WirePattern("shut.b"), 0) {
		if err != nil {
			t.Fatal(err)
		}
		if m.Record != "shut.b" || string(m.Value) != fmt.Sprintf(`{"n":%d}`, 900_001+n) {
			t.Fatalf("followed to %d: %s of %s, loss %v", m.Sequence, m.Value, m.Record, m.Loss)
		}
		if n++; n == 2 {
			break
		}
	}
	if n != 2 {
		t.Errorf("followed to %d of 2 values", n)
	}
}

// Before the records are known, nothing of the log can be read.
func TestOutsidersWaitForTheStart(t *testing.T) {
	server, err := natsd.Open(natsd.Config{
		Name: "x", Listen: "127.0.0.1:0", Stream: "AIMDB_test", Readable: LogSubject("test"), Subjects: ReadSubjects("test"), MaxMessage: DefaultMaxMessage,
	})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := server.Close(); err != nil {
			t.Error(err)
		}
	}()
	o := outside(t, testBus{server: server})
	for _, subject := range []string{
		"$JS.API.CONSUMER.CREATE.AIMDB_test.x", "$JS.API.STREAM.MSG.GET.AIMDB_test", "$JS.API.DIRECT.GET.AIMDB_test", "$JS.API.DIRECT.GET.AIMDB_test.aimdb.test.log.a",
	} {
		m, err := o.nc.RequestWithContext(deadline(t), subject, []byte(`{"last_by_subj":"aimdb.test.log.a"}`))
		if err != nil || !strings.Contains(describe(t, m), "starting") {
			t.Errorf("%s: %v", subject, err)
		}
	}
}
