package records_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/aimdb-go/aimdb/records"
)

// TestAddWhileRunning adds records from several goroutines while a feed and the
// stages of another record are at work. The feed reads those it was told of.
func TestAddWhileRunning(t *testing.T) {
	const adders, each, values = 4, 25, 10
	r := records.NewRegistry(records.RegistryOptions{})
	first := register[int](t, r, "first", logged(values))
	tapped := 0
	check(t, first.Tap(func(context.Context, int) { tapped++ }))
	f := r.NewFeed(records.LogReader, r.Records())
	untold := r.NewFeed("other", r.Records())
	stop := run(t, r)
	var adding sync.WaitGroup
	for a := range adders {
		adding.Go(func() {
			for i := range each {
				h, err := r.Add(fmt.Sprintf("added.%d.%d", a, i), logged(values))
				if err != nil {
					t.Error(err)
					return
				}
				for v := range values {
					if v == values/2 {
						f.Add(h) // from the first value on, since it is logged
					}
					if err := h.Set(json.RawMessage(fmt.Sprintf(`{"v": %d}`, v))); err != nil {
						t.Error(err)
					}
				}
				f.Add(h) // again
			}
		})
	}
	got := map[string][]string{}
	dst := make([]records.Item, 7)
	for taken := 0; taken < adders*each*values; {
		n, err := f.Take(t.Context(), dst)
		if err != nil {
			t.Fatal(err)
		}
		for _, item := range dst[:n] {
			got[item.Record.Key()] = append(got[item.Record.Key()], string(item.JSON))
		}
		taken += n
	}
	adding.Wait()
	var want []string
	for v := range values {
		want = append(want, fmt.Sprintf(`{"v":%d}`, v))
	}
	for key, values := range got {
		if !slices.Equal(values, want) {
			t.Errorf("the feed got %v of %s", values, key)
		}
	}
	first.Produce(1)
	if got := take(f); !slices.Equal(got, []string{"first=1"}) {
		t.Errorf("the feed got %v of what there was before", got)
	}
	if got := take(untold); !slices.Equal(got, []string{"first=1"}) {
		t.Errorf("a feed got %v; it was not told of the new records", got)
	}
	if err := stop(); err != nil || tapped != 1 {
		t.Errorf("Run: %v, after %d values of the tap", err, tapped)
	}
	if g := r.Graph(); len(g.Nodes) != 1+adders*each || len(g.TopoOrder) != 1+adders*each {
		t.Errorf("the graph has %d records, %d in order", len(g.Nodes), len(g.TopoOrder))
	}
}

func TestAddedRecord(t *testing.T) {
	r := records.NewRegistry(records.RegistryOptions{})
	register[int](t, r, "typed", ring(1))
	check(t, r.Build())
	h, err := r.Add("added::one", ring(2))
	if err != nil {
		t.Fatal(err)
	}
	if found, ok := r.Lookup("added.one"); !ok || found != h || h.ID() != 1 || h.TypeName() != "json.RawMessage" || h.Origin().Kind != "passive" {
		t.Errorf("looked up %v, %v: record %d of type %s is %s", found, ok, h.ID(), h.TypeName(), h.Origin().Kind)
	}
	reader := h.Subscribe("reader")
	for _, raw := range []string{`[1, 2]`, `null`, `"<a&b>"`} {
		if err := h.Set(json.RawMessage(raw)); err != nil {
			t.Error(err)
		}
	}
	if e, ok := reader.TryReceive(); !ok || string(e.JSON) != "null" || e.Missed != 1 {
		t.Errorf("got %s, %+v", e.JSON, e)
	}
	if raw, _, ok, err := h.Get(); string(raw) != `"<a&b>"` || !ok || err != nil {
		t.Errorf("get: %s, %v, %v", raw, ok, err)
	}
	for _, raw := range []string{"", "{", "1 2"} {
		if err := h.Set(json.RawMessage(raw)); err == nil {
			t.Errorf("set to %q", raw)
		}
	}
	for key, tells := range map[string]string{"added.one": "added::one", "typed": "already", "a b": "a b"} {
		if _, err := r.Add(key, ring(1)); err == nil || !strings.Contains(err.Error(), tells) {
			t.Errorf("add %q: %v", key, err)
		}
	}
	f := r.NewFeed("feed", r.Records())
	r.Close()
	if _, err := r.Add("late", ring(1)); !errors.Is(err, records.ErrClosed) {
		t.Errorf("added after Close: %v", err)
	}
	f.Add(h)
	f.Close()
	f.Add(h)
	f.Resume(h)
	if m := h.Metrics(); m.Readers != 1 {
		t.Errorf("%d readers are left, want the one that was not closed", m.Readers)
	}
	reader.Close()
}
