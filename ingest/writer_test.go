package ingest_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"sync"
	"testing"

	"go.uber.org/goleak"

	"github.com/aimdb-go/aimdb/access"
	"github.com/aimdb-go/aimdb/ingest"
	"github.com/aimdb-go/aimdb/key"
	"github.com/aimdb-go/aimdb/records"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

type reading struct {
	Celsius float64 `json:"celsius"`
}

// world is a registry with a record of each kind that matters.
type world struct {
	registry *records.Registry
	logged   *records.Untyped
	feed     *records.Feed
}

func newWorld(t *testing.T) world {
	t.Helper()
	r := records.NewRegistry(records.RegistryOptions{})
	t.Cleanup(r.Close)
	register := func(key string, c records.Config) *records.Record[reading] {
		c.Kind, c.Capacity = records.Ring, 4
		record, err := records.Register[reading](r, key, c)
		if err != nil {
			t.Fatal(err)
		}
		return record
	}
	logged := register("attic::air", records.Config{Logged: true, Writable: true})
	memory := register("attic.memory", records.Config{Writable: true})
	register("attic.closed", records.Config{Remote: true})
	made := register("attic.made", records.Config{Writable: true})
	register("cellar.air", records.Config{Writable: true})
	if err := records.Map(memory, made, func(v reading) reading { return v }); err != nil {
		t.Fatal(err)
	}
	if err := r.Build(); err != nil {
		t.Fatal(err)
	}
	return world{r, logged.Untyped(), r.NewFeed(records.LogReader, []*records.Untyped{logged.Untyped()})}
}

func attic() *access.Grants {
	return access.NewGrants(nil, []key.Pattern{key.WirePattern("attic.*")})
}

// TestRefusals: each cause, by all three methods alike.
func TestRefusals(t *testing.T) {
	w := newWorld(t)
	writer, readOnly := ingest.New(ingest.Config{Registry: w.registry}), ingest.New(ingest.Config{Registry: w.registry, ReadOnly: "it is a copy"})
	const right = `{"celsius":1}`
	refused := map[string]uint64{}
	for _, c := range []struct {
		writer      *ingest.Writer
		name, value string
		cause       ingest.Cause
		path, says  string
	}{
		{readOnly, "attic.air", right, ingest.ReadOnly, "", "it is a copy"},
		{writer, "cellar.air", right, ingest.Denied, "", "not writable"},
		{writer, "cellar.absent", right, ingest.Denied, "", "not writable"},
		{writer, "attic.closed", right, ingest.Denied, "", "register it with Writable"},
		{writer, "attic.made", right, ingest.Denied, "", "not writable"},
		{writer, "attic.absent", right, ingest.Unknown, "", "there is no such record"},
		{writer, "", right, ingest.Denied, "", "not writable"},
		{writer, "attic.air", `{"celsius":"warm"}`, ingest.Invalid, "/celsius", "(at /celsius)"},
		{writer, "attic::air", `{}`, ingest.Invalid, "/celsius", "is missing"},
		{writer, "attic.air", `NaN`, ingest.Invalid, "", "attic::air"},
		{writer, "attic.air", ``, ingest.Invalid, "", "attic::air"},
		{writer, "attic.memory", `[1]`, ingest.Invalid, "", "not an object"},
	} {
		_, set := c.writer.Set(attic(), c.name, json.RawMessage(c.value))
		_, logged := c.writer.SetLogged(t.Context(), attic(), c.name, json.RawMessage(c.value))
		_, checked := c.writer.Check(attic(), c.name, json.RawMessage(c.value))
		for how, err := range map[string]error{"Set": set, "SetLogged": logged, "Check": checked} {
			var r *ingest.Refusal
			if !errors.As(err, &r) || r.Cause != c.cause || r.Record != c.name || r.Path != c.path || !strings.Contains(err.Error(), c.says) {
				t.Errorf("%s %q %s: %#v, want %v and %q", how, c.name, c.value, err, c.cause, c.says)
			}
		}
		if c.writer == writer {
			refused[c.cause.String()] += 2 // Check counts nothing
		}
	}
	if counts := writer.Counts(); counts.Accepted != 0 || !reflect.DeepEqual(counts.Refused, refused) {
		t.Errorf("counted %+v, want %v", counts, refused)
	}
	if produced := w.logged.Produced(); produced != 0 {
		t.Errorf("%d refused values were set", produced)
	}
}

// TestPending: a value that is logged, one that is refused by the log, one that is
// logged nowhere, and one nobody waits for any more.
func TestPending(t *testing.T) {
	w := newWorld(t)
	writer := ingest.New(ingest.Config{Registry: w.registry})
	set := func(name string) ingest.Pending {
		p, err := writer.SetLogged(t.Context(), nil, name, json.RawMessage(`{"celsius":1}`))
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	first, second, third, memory := set("attic.air"), set("attic.air"), set("attic.air"), set("attic.memory")
	w.feed.TryTake(make([]records.Item, 8))
	w.logged.FailLogged(2, 2, errors.New("too large"))
	w.logged.AckLogged(2)
	if err := first.Wait(t.Context()); err != nil || !first.Logged() || first.Record() != w.logged {
		t.Error(err)
	}
	var r *ingest.Refusal
	if err := second.Wait(t.Context()); !errors.As(err, &r) || r.Cause != ingest.NotLogged || !strings.Contains(err.Error(), "too large") {
		t.Error(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := third.Wait(ctx); !errors.Is(err, context.Canceled) || errors.As(err, new(*ingest.Refusal)) {
		t.Error(err)
	}
	if err := memory.Wait(t.Context()); err != nil || memory.Logged() {
		t.Error(err)
	}
	if counts := writer.Counts(); counts.Accepted != 4 || counts.Refused["not_logged"] != 1 || len(counts.Refused) != 1 {
		t.Errorf("counted %+v", counts)
	}
}

// TestCreate: a record is made for a key that is granted and a value that is JSON, and by
// Check not at all.
func TestCreate(t *testing.T) {
	w := newWorld(t)
	var mu sync.Mutex
	made := 0
	writer := ingest.New(ingest.Config{Registry: w.registry, Create: func(name string, _ json.RawMessage, register bool) (*records.Untyped, error) {
		mu.Lock()
		defer mu.Unlock()
		if u, ok := w.registry.Lookup(name); ok {
			return u, nil
		}
		if !register {
			return nil, nil
		}
		if made == 2 {
			return nil, &ingest.Refusal{Cause: ingest.TooManyRecords, Record: name, Reason: "there are 2 already"}
		}
		u, err := w.registry.Add(name, records.Config{Kind: records.Latest, Writable: true})
		if err == nil {
			made++
		}
		return u, err
	}})
	if u, err := writer.Check(attic(), "attic.new", json.RawMessage("1")); u != nil || err != nil || made != 0 {
		t.Errorf("a check made %d: %v, %v", made, u, err)
	}
	for _, c := range []struct {
		name, value string
		cause       ingest.Cause
	}{{"attic.new", "NaN", ingest.Invalid}, {"cellar.new", "1", ingest.Denied}, {"attic.a*", "1", ingest.Unknown}} {
		_, err := writer.Set(attic(), c.name, json.RawMessage(c.value))
		var r *ingest.Refusal
		if !errors.As(err, &r) || r.Cause != c.cause || made != 0 {
			t.Errorf("%s %s: %v", c.name, c.value, err)
		}
	}
	var work sync.WaitGroup
	for i := range 8 {
		work.Go(func() {
			if _, err := writer.Set(attic(), "attic.new", json.RawMessage(fmt.Sprint(i))); err != nil {
				t.Error(err)
			}
		})
	}
	work.Wait()
	if _, err := writer.Set(nil, "attic::second", json.RawMessage("1")); err != nil || made != 2 {
		t.Error(made, err)
	}
	var r *ingest.Refusal
	if _, err := writer.Set(nil, "attic.third", json.RawMessage("1")); !errors.As(err, &r) || r.Cause != ingest.TooManyRecords {
		t.Error(err)
	}
}

// TestCauses: each has a name, and the counts of a way in itself are there.
func TestCauses(t *testing.T) {
	writer := ingest.New(ingest.Config{Registry: newWorld(t).registry})
	writer.Drop(3)
	if r := writer.Refuse(ingest.Unknown, "a/b", "no key"); r.Error() != "no key" || r.Record != "a/b" {
		t.Error(r)
	}
	if got := writer.Counts().Refused; !reflect.DeepEqual(got, map[string]uint64{"dropped": 3, "unknown": 1}) {
		t.Error(got)
	}
	seen := map[string]bool{}
	for cause := ingest.Denied; cause <= ingest.Dropped; cause++ {
		if name := cause.String(); seen[name] || strings.Contains(name, " ") {
			t.Errorf("cause %d is %q", cause, name)
		}
		seen[cause.String()] = true
	}
}

// TestCreateOfARecordThatNobodyMaySet: what Create returns is checked like any other record.
func TestCreateOfARecordThatNobodyMaySet(t *testing.T) {
	r := records.NewRegistry(records.RegistryOptions{})
	writer := ingest.New(ingest.Config{Registry: r, Create: func(name string, _ json.RawMessage, _ bool) (*records.Untyped, error) {
		return r.Add(name, records.Config{Kind: records.Latest})
	}})
	_, err := writer.Set(nil, "private", json.RawMessage("1"))
	var refused *ingest.Refusal
	if !errors.As(err, &refused) || refused.Cause != ingest.Denied {
		t.Errorf("a record without Writable is set: %v", err)
	}
}
