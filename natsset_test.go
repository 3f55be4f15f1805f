package aimdb_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/aimdb-go/aimdb"
)

// TestSetByPublishing: a NATS client sets the records that ServiceWrites names, and gets
// an answer, if it wants one, when the log has the value.
func TestSetByPublishing(t *testing.T) {
	db := open(t, t.TempDir(), aimdb.Name("hub"), aimdb.NATS(":0"), aimdb.ServiceWrites("attic.#"))
	register[reading](t, db, "attic::air", aimdb.Ring(10), aimdb.Persist(), aimdb.Writable())
	register[int](t, db, "attic.lamp", aimdb.Latest(), aimdb.Writable())
	register[int](t, db, "attic.closed", aimdb.Latest(), aimdb.Remote())
	register[int](t, db, "attic.50%", aimdb.Latest(), aimdb.Writable())
	register[int](t, db, "garden.lamp", aimdb.Latest(), aimdb.Writable())
	defer start(t, db)()
	nc := dialNATS(t, db.Addresses().NATS)
	awaitService(t, nc, "hub")
	const logged = `{"logged":true}`
	for _, c := range []struct{ subject, body, want string }{
		{"attic.air", `{"city":"x","celsius":1}`, logged},
		{"attic.lamp", `4`, `{"logged":false}`},
		{"attic.50%25", `5`, `{"logged":false}`},
		{"attic.air", `{"city":"x","celsius":"warm"}`, "500 set record \"attic::air\": the value is not a aimdb_test.reading"},
		{"attic.air", `{"city":"x"}`, "the member celsius is missing; a set replaces the whole value, so give all members (at /celsius)"},
		{"attic.air", `{`, "500 set record"},
		{"attic.air", ``, "500 set record"},
		{"attic.lamp", `NaN`, "500 set record"},
		{"attic.closed", `4`, "403 "},
		{"attic.absent", `4`, "403 "},
		{"garden.lamp", `4`, "403 "},
		{"attic._any", `4`, "403 the subject aimdb.hub.set.attic._any"},
		{"attic._all", `4`, "403 the subject"},
		{"attic.%61ir", `4`, "403 the subject"},
	} {
		if got := askService(t, nc, "aimdb.hub.set."+c.subject, c.body); !strings.Contains(got, c.want) {
			t.Errorf("%s %s: %s; want %s", c.subject, c.body, got, c.want)
		}
	}
	var failure struct{ Path string }
	m, err := nc.Request("aimdb.hub.set.attic.air", []byte(`{"city":"x","celsius":"warm"}`), time.Minute)
	if err == nil {
		err = json.Unmarshal(m.Data, &failure)
	}
	if err != nil || failure.Path != "/celsius" {
		t.Errorf("the answer %s, %v has the path %q", m.Data, err, failure.Path)
	}
	counts := db.Ingest().Counts()
	if counts.Accepted != 3 || counts.Refused["invalid"] != 6 || counts.Refused["denied"] != 2 || counts.Refused["unknown"] != 4 {
		t.Errorf("counted %+v", counts)
	}
	if got := askService(t, nc, "aimdb.hub.rpc.get.attic.lamp", ""); got != "4" {
		t.Errorf("the lamp is %s", got)
	}
	if _, err := nc.SubscribeSync("aimdb.hub.set.>"); err == nil {
		if err := nc.Flush(); err != nil {
			t.Fatal(err)
		}
	}
	if err := nc.LastError(); err == nil || !strings.Contains(err.Error(), "aimdb.hub.set") {
		t.Errorf("a client may read what others publish: %v", err)
	}
}

// TestPublishingWithoutServiceWrites: the server refuses the subject.
func TestPublishingWithoutServiceWrites(t *testing.T) {
	db := open(t, t.TempDir(), aimdb.Name("hub"), aimdb.NATS(":0"))
	register[int](t, db, "lamp", aimdb.Latest(), aimdb.Writable())
	defer start(t, db)()
	nc := dialNATS(t, db.Addresses().NATS)
	awaitService(t, nc, "hub")
	if got := askService(t, nc, "aimdb.hub.set.lamp", "4"); got != "no permission" {
		t.Errorf("a publication is answered with %s", got)
	}
}

// TestPublishManyToSet: many values at once are stored, each once and in order, though the
// ring holds few. Those that are not acknowledged are stored too.
func TestPublishManyToSet(t *testing.T) {
	const values = 20_000
	db := open(t, t.TempDir(), aimdb.Name("hub"), aimdb.NATS(":0"), aimdb.ServiceWrites("#"))
	for _, name := range []string{"asked", "told"} {
		register[int](t, db, name, aimdb.Ring(64), aimdb.Persist(), aimdb.Writable())
	}
	defer start(t, db)()
	nc := dialNATS(t, db.Addresses().NATS)
	awaitService(t, nc, "hub")
	inbox := nc.NewInbox()
	answers, err := nc.SubscribeSync(inbox + ".*")
	if err == nil {
		err = answers.SetPendingLimits(-1, -1)
	}
	if err != nil {
		t.Fatal(err)
	}
	for i := range values {
		value := fmt.Append(nil, i)
		if err := nc.Publish("aimdb.hub.set.told", value); err != nil {
			t.Fatal(err)
		}
		if err := nc.PublishRequest("aimdb.hub.set.asked", fmt.Sprintf("%s.%d", inbox, i), value); err != nil {
			t.Fatal(err)
		}
	}
	for i := range values {
		m, err := answers.NextMsg(time.Minute)
		if err != nil || string(m.Data) != `{"logged":true}` || m.Subject != fmt.Sprintf("%s.%d", inbox, i) {
			t.Fatalf("answer %d: %v, %v", i, m, err)
		}
	}
	if err := db.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"asked", "told"} {
		rows, err := aimdb.QueryRange[int](t.Context(), db, name, time.Time{}, time.Time{})
		if err != nil || len(rows) != values {
			t.Fatalf("%s has %d rows, %v, want %d", name, len(rows), err, values)
		}
		for i, row := range rows {
			if row.Value != i {
				t.Fatalf("row %d of %s is %d", i, name, row.Value)
			}
		}
	}
	if counts := db.Ingest().Counts(); counts.Accepted != 2*values || len(counts.Refused) > 0 {
		t.Errorf("counted %+v", counts)
	}
}
