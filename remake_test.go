package aimdb_test

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"

	"github.com/nats-io/nats.go/jetstream"
	"go.uber.org/goleak"

	"github.com/aimdb-go/aimdb"
)

// TestDynamicHistory: at start the names in history become records as far as they are
// declared and the limit admits them, each with as many values as it keeps. A record that
// is declared later begins with its values then.
func TestDynamicHistory(t *testing.T) {
	defer goleak.VerifyNone(t)
	dir := t.TempDir()
	for _, spelling := range []string{"two.x", "two::x"} {
		db := open(t, dir)
		for _, key := range []string{"a.shallow", "b.deep", "c.plain", "never.x", "never.y", spelling, "z.over"} {
			r := register[int](t, db, key, aimdb.Ring(100), aimdb.Persist())
			for i := range 30 {
				r.Produce(i)
			}
		}
		start(t, db)()
	}
	refuse := true
	declare := func(key string) ([]aimdb.RecordOption, error) {
		opts := []aimdb.RecordOption{aimdb.Ring(3), aimdb.Persist(), aimdb.Writable()}
		switch {
		case refuse && strings.HasPrefix(key, "never"):
			return nil, errors.New("refused")
		case key == "b.deep":
			opts[0] = aimdb.Ring(50)
		case key == "c.plain":
			opts = []aimdb.RecordOption{aimdb.Latest(), aimdb.Writable()}
		}
		return opts, nil
	}
	var said bytes.Buffer
	db := open(t, dir, aimdb.Dynamic(5, declare), aimdb.Logger(slog.New(slog.NewTextHandler(&said, nil))))
	register[int](t, db, "static", aimdb.Ring(1), aimdb.Persist())
	stop := start(t, db)
	var got []string
	for _, u := range db.Registry().Records() {
		got = append(got, fmt.Sprintf("%s %d %s", u.Key(), u.Metrics().Restored, get(db, u.Key())))
	}
	slices.Sort(got)
	want := []string{"a.shallow 3 29", "b.deep 50 29", "c.plain 0 ", "static 0 ", "two.x 3 29"}
	if !slices.Equal(got, want) {
		t.Errorf("records after the start: %q, want %q", got, want)
	}
	if !strings.Contains(said.String(), "refused=3 over_the_limit=1") {
		t.Errorf("an operator is told: %s", said.String())
	}
	refuse = false // as after a reload
	mustSet(t, db, "never.x", "30")
	if u, _ := db.Registry().Lookup("never.x"); u.Metrics().Restored != 3 || get(db, "never.x") != "30" {
		t.Errorf("a record that is declared later begins with %d values, the last is %s", u.Metrics().Restored, get(db, "never.x"))
	}
	if err := set(t, db, "never.y", "30"); err == nil || !strings.Contains(err.Error(), "5 records") {
		t.Errorf("beyond the limit: %v", err)
	}
	mustSet(t, db, "two::x", "31")
	stop()
}

// TestAddedPrivateRecord: what a private record that is added later has logged as a Remote
// one is closed to NATS clients from then on, and its rows to AimX clients.
func TestAddedPrivateRecord(t *testing.T) {
	dir := t.TempDir()
	before, stop := openHouse(t, dir, true)
	before.produce(t)
	stop()
	db := open(t, dir, aimdb.Name("hub"), aimdb.NATS("127.0.0.1:0"))
	h := &house{db: db, records: []*aimdb.Record[string]{register[string](t, db, "hall::logged", aimdb.Ring(9), aimdb.Persist(), aimdb.Remote())}}
	defer start(t, db)()
	door := consumerDoor(func(t *testing.T, js jetstream.JetStream) (jetstream.Consumer, error) {
		return js.CreateConsumer(t.Context(), "AIMDB_hub", jetstream.ConsumerConfig{FilterSubject: "aimdb.hub.log.>"})
	})
	h.produce(t)
	if left := door(t, h); !strings.Contains(left, secretName) {
		t.Fatalf("the test proves nothing: %s", left)
	}
	if _, err := aimdb.AddJSON(db, "vault::old", aimdb.Ring(9), aimdb.Persist()); err != nil {
		t.Fatal(err)
	}
	h.produce(t)
	if left := door(t, h); strings.Contains(left, secretName) || !strings.Contains(left, openValue) {
		t.Errorf("after the record was added: %s", left)
	}
}
