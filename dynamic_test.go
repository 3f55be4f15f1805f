package aimdb_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"go.uber.org/goleak"

	"github.com/aimdb-go/aimdb"
	"github.com/aimdb-go/aimdb/aimx"
	"github.com/aimdb-go/aimdb/ingest"
	"github.com/aimdb-go/aimdb/records"
)

// anything takes any key but those below "never".
func anything(key string) ([]aimdb.RecordOption, error) {
	if strings.HasPrefix(key, "never") {
		return nil, errors.New("never")
	}
	return []aimdb.RecordOption{aimdb.Latest(), aimdb.Persist(), aimdb.Writable()}, nil
}

func set(t *testing.T, db *aimdb.DB, key, value string) error {
	t.Helper()
	p, err := db.Ingest().SetLogged(t.Context(), nil, key, json.RawMessage(value))
	if err != nil {
		return err
	}
	return p.Wait(t.Context())
}

func mustSet(t *testing.T, db *aimdb.DB, key, value string) {
	t.Helper()
	if err := set(t, db, key, value); err != nil {
		t.Fatal(err)
	}
}

func get(db *aimdb.DB, key string) string {
	u, known := db.Registry().Lookup(key)
	if !known {
		return "no record"
	}
	value, _, _, err := u.Get()
	if err != nil {
		return err.Error()
	}
	return string(value)
}

// TestDynamicRecords: 8 goroutines set 10,000 new keys at once, each key by two of them and
// in two spellings, while a feed reads all. There is one record for each key, the log
// and the feed have all values, and after a restart all are back before the database is
// ready.
func TestDynamicRecords(t *testing.T) {
	defer goleak.VerifyNone(t)
	keys := 10_000
	if testing.Short() {
		keys = 1000
	}
	dir := t.TempDir()
	declare := func(string) ([]aimdb.RecordOption, error) {
		return []aimdb.RecordOption{aimdb.Ring(2), aimdb.Persist(), aimdb.Writable()}, nil
	}
	db := open(t, dir, aimdb.Dynamic(keys, declare))
	stop := start(t, db)
	watch := db.Registry().NewFeed("test", nil)
	defer db.Registry().OnAdd(func(u *aimdb.Untyped) { watch.Add(u) })()
	seen := make(chan map[string]int)
	go func() {
		all := map[string]int{}
		items := make([]records.Item, 64)
		for n := 0; n < 2*keys; {
			taken, err := watch.Take(t.Context(), items)
			if err != nil {
				t.Errorf("after %d values: %v", n, err)
				break
			}
			for _, item := range items[:taken] {
				all[strings.ReplaceAll(item.Record.Key(), "::", ".")]++
			}
			n += taken
		}
		seen <- all
	}()
	const setters = 8
	var setting sync.WaitGroup
	for s := range setters {
		setting.Go(func() {
			var pending []ingest.Pending
			for i, mine := range rand.Perm(keys) {
				if mine%(setters/2) != s/2 { // two goroutines for each key
					continue
				}
				spelling := "new.%d"
				if i%2 == 0 {
					spelling = "new::%d"
				}
				p, err := db.Ingest().SetLogged(t.Context(), nil, fmt.Sprintf(spelling, mine), json.RawMessage(fmt.Sprint(mine)))
				if err != nil {
					t.Error(err)
					return
				}
				pending = append(pending, p)
			}
			for _, p := range pending {
				if err := p.Wait(t.Context()); err != nil {
					t.Error(err)
				}
			}
		})
	}
	setting.Wait()
	all := <-seen
	for i := range keys {
		if key := fmt.Sprintf("new.%d", i); all[key] != 2 || get(db, key) != fmt.Sprint(i) {
			t.Fatalf("the feed has %d values of %s, which is %s", all[key], key, get(db, key))
		}
	}
	if n := len(db.Registry().Records()); n != keys {
		t.Errorf("%d records, want %d", n, keys)
	}
	watch.Close()
	if err := db.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	if v, err := db.Verify(t.Context()); err != nil || v.Verdict != aimx.Complete {
		t.Errorf("verify: %+v, %v", v, err)
	}
	stop()

	db = open(t, dir, aimdb.Dynamic(keys, declare))
	defer start(t, db)()
	if n := len(db.Registry().Records()); n != keys {
		t.Errorf("after a restart there are %d records, want %d", n, keys)
	}
	for i := range keys {
		if got := get(db, fmt.Sprintf("new.%d", i)); got != fmt.Sprint(i) {
			t.Fatalf("new.%d is %s after a restart", i, got)
		}
	}
	var refused *ingest.Refusal
	if err := set(t, db, "one.more", "1"); !errors.As(err, &refused) || refused.Cause != ingest.TooManyRecords || !strings.Contains(err.Error(), fmt.Sprint(keys)) {
		t.Errorf("beyond the limit: %v", err)
	}
	mustSet(t, db, "new::7", "70")
	if got := get(db, "new.7"); got != "70" {
		t.Errorf("new.7 is %s", got)
	}
}

// TestDynamicRecordIsWatched: a subscription to a pattern, by AimX or NATS, gets the values
// of records that are made later.
func TestDynamicRecordIsWatched(t *testing.T) {
	dir := t.TempDir()
	db := open(t, dir, aimdb.Name("hub"), aimdb.Dynamic(100, anything), aimdb.Gateway(filepath.Join(dir, "s")), aimdb.NATS(":0"), aimdb.ServiceWrites("#"))
	defer start(t, db)()
	client, err := aimx.Dial(t.Context(), "unix://"+filepath.Join(dir, "s"))
	if err != nil {
		t.Fatal(err)
	}
	watch, err := client.Watch(t.Context(), "a.#")
	if err != nil {
		t.Fatal(err)
	}
	nc := dialNATS(t, db.Addresses().NATS)
	awaitService(t, nc, "hub")
	sub, err := nc.SubscribeSync("aimdb.hub.log.>")
	if err == nil {
		err = nc.Flush()
	}
	if err != nil {
		t.Fatal(err)
	}
	for i := range 20 {
		key, value := fmt.Sprintf("a.%d", i), fmt.Sprint(i)
		var err error
		if i%2 == 0 {
			_, err = client.Set(t.Context(), key, i)
		} else if answer := askService(t, nc, "aimdb.hub.rpc.set."+key, `{"value":`+value+`}`); !strings.Contains(answer, "success") {
			err = errors.New(answer)
		}
		if err != nil {
			t.Fatal(err)
		}
		if u, err := watch.Next(t.Context()); err != nil || u.Topic != key || string(u.Data) != value {
			t.Errorf("AimX: %+v, %v", u, err)
		}
		if m, err := sub.NextMsgWithContext(t.Context()); err != nil || m.Subject != "aimdb.hub.log."+key || string(m.Data) != value {
			t.Errorf("NATS: %+v, %v", m, err)
		}
	}
	if _, err := client.Set(t.Context(), "never", 1); err == nil || !strings.Contains(err.Error(), "never") {
		t.Errorf("set a key that is refused: %v", err)
	}
	if err := client.Close(); err != nil {
		t.Error(err)
	}
}

// TestDynamicKeys sets keys that must not become records, and ones that only look so.
func TestDynamicKeys(t *testing.T) {
	defer goleak.VerifyNone(t)
	db := open(t, t.TempDir(), aimdb.Dynamic(100, anything))
	register[int](t, db, "typed::one", aimdb.Latest(), aimdb.Writable())
	register[int](t, db, "private", aimdb.Latest())
	defer start(t, db)()
	long := strings.Repeat("k", 200)
	for _, c := range []struct{ key, value, want string }{
		{"a", "1", ""},
		{"a", "{", "the value"},
		{"b", "{", "the value"},
		{"b", "NaN", "the value"},
		{"", "1", "empty"},
		{"a..b", "1", "empty segment"},
		{"a.:b", "1", ""},
		{"a b", "1", "not allowed"},
		{"a.*", "1", "not allowed"},
		{"a\x00", "1", "not allowed"},
		{"a\xff", "1", "UTF-8"},
		{"../../etc/passwd", "1", "empty segment"},
		{"%2e%2e.x", "1", ""},
		{"тест.温度.🌡", "1", ""},
		{long, "1", ""},
		{long + "k", "1", "200"},
		{"never.x", "1", "never"},
		{"typed.one", `"text"`, "not a int"},
		{"typed.one", "1", ""},
		{"private", "1", "not writable"},
	} {
		err := set(t, db, c.key, c.value)
		switch {
		case c.want == "" && err != nil:
			t.Errorf("set %q to %s: %v", c.key, c.value, err)
		case c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)):
			t.Errorf("set %q to %s: %v, want %q", c.key, c.value, err, c.want)
		}
	}
	if n := len(db.Registry().Records()); n != 2+5 {
		t.Errorf("there are %d records", n)
	}
}

// TestAddJSON adds records before and while the database runs. Those that history knows
// begin with their values.
func TestAddJSON(t *testing.T) {
	defer goleak.VerifyNone(t)
	dir := t.TempDir()
	add := func(db *aimdb.DB, key string, opts ...aimdb.RecordOption) *aimdb.Untyped {
		t.Helper()
		u, err := aimdb.AddJSON(db, key, opts...)
		if err != nil {
			t.Fatal(err)
		}
		return u
	}
	persisted := []aimdb.RecordOption{aimdb.Ring(3), aimdb.Persist(), aimdb.Remote()}
	db := open(t, dir)
	early := add(db, "early", persisted...)
	stop := start(t, db)
	late := add(db, "late::one", persisted...)
	for i := range 5 {
		for _, u := range []*aimdb.Untyped{early, late} {
			if err := u.Set(json.RawMessage(fmt.Sprint(i))); err != nil {
				t.Fatal(err)
			}
		}
		if err := db.Flush(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	stop()

	db = open(t, dir)
	early = add(db, "early", persisted...)
	stop = start(t, db)
	late = add(db, "late::one", persisted...)
	for _, u := range []*aimdb.Untyped{early, late} {
		if restored := u.Metrics().Restored; restored != 3 || get(db, u.Key()) != "4" {
			t.Errorf("%s begins with %d values, the last is %s", u.Key(), restored, get(db, u.Key()))
		}
	}
	for want, opts := range map[string][]aimdb.RecordOption{
		"already":    persisted,
		"migrations": {aimdb.Migrate(func(int) (json.RawMessage, error) { return nil, nil })},
		"stages":     {aimdb.Ring(1), aimdb.Lossless()},
		"capacity 0": {aimdb.Ring(0)},
		"validation": {aimdb.Validate(func(int) error { return nil })},
	} {
		if _, err := aimdb.AddJSON(db, "early", opts...); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("want %q, got: %v", want, err)
		}
	}
	if _, err := aimdb.AddJSON(db, "late.one"); err == nil || !strings.Contains(err.Error(), `"late::one" has the same segments`) {
		t.Errorf("another spelling: %v", err)
	}
	valid := add(db, "valid", aimdb.Validate(func(v json.RawMessage) error {
		if string(v) != "1" {
			return &records.InvalidError{Path: "/x", Err: errors.New("must be 1")}
		}
		return nil
	}))
	if err := valid.Set(json.RawMessage("2")); err == nil || !strings.Contains(err.Error(), "must be 1 (at /x)") {
		t.Errorf("a value that is not valid: %v", err)
	}
	stop()
	if _, err := aimdb.AddJSON(db, "later"); !errors.Is(err, aimdb.ErrClosed) {
		t.Errorf("after the end: %v", err)
	}
}

// TestDynamicSettings: the option is checked.
func TestDynamicSettings(t *testing.T) {
	for want, opts := range map[string][]aimdb.Option{
		"limit of 0":  {aimdb.Dynamic(0, anything)},
		"no function": {aimdb.Dynamic(1, nil)},
		"twice":       {aimdb.Dynamic(1, anything), aimdb.Dynamic(1, anything)},
	} {
		db, err := aimdb.New(opts...)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("want %q, got: %v", want, err)
		}
		if db != nil {
			_ = db.Close()
		}
	}
	for _, c := range []aimdb.Config{{DynamicLimit: 1}, {Declare: anything}} {
		if _, err := aimdb.Open(c); err == nil || !strings.Contains(err.Error(), "give both") {
			t.Errorf("%+v: %v", c.DynamicLimit, err)
		}
	}
}
