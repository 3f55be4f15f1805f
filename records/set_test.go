package records_test

import (
	"context"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/aimdb-go/aimdb/records"
)

// TestSetIsCheckedAgainstTheType: a value without all of its members changes nothing,
// and the error names the member.
func TestSetIsCheckedAgainstTheType(t *testing.T) {
	type limits struct {
		Low  float64  `json:"low"`
		High *float64 `json:"high"`
	}
	type settings struct {
		Level   string            `json:"log_level"`
		History bool              `json:"history"`
		Limits  map[string]limits `json:"limits"`
		Note    string            `json:"note,omitempty"`
	}
	r := records.NewRegistry(records.RegistryOptions{})
	defer r.Close()
	record := register[settings](t, r, "app.settings", records.Config{Kind: records.Latest})
	h := record.Untyped()
	good := `{"log_level":"x","history":true,"limits":{"a":{"low":1}},"NOTE":"y","more":{}}`
	if err := h.Set(json.RawMessage(good)); err != nil {
		t.Fatal(err)
	}
	for value, says := range map[string]string{
		`{"log_level":"x","limits":null}`:                             "the member history is missing",
		`{"log_level":"x","HISTORY":true,"limits":null}`:              "the member history is missing",
		`{"log_level":null,"history":true,"limits":null}`:             "the member log_level is null",
		`{"log_level":"x","history":true,"limits":{"a":{"high":1}}}`:  `the member limits["a"].low is missing`,
		`{"log_level":"x","history":true,"limits":{"a":null}}`:        `the member limits["a"] is null`,
		`{"log_level":"x","history":"true","limits":null}`:            "the member history cannot be a string",
		`{"log_level":"x","history":true,"limits":{"a":{"low":"1"}}}`: "the member limits.low cannot be a string",
		`{"log_level":"x","history":true,"limits":null,"note":null}`:  "the member note is null",
		`null`: "the value is null",
	} {
		err := h.Set(json.RawMessage(value))
		if err == nil || !strings.Contains(err.Error(), says) || !strings.Contains(err.Error(), "app.settings") {
			t.Errorf("%s: got %v, want %q", value, err, says)
		}
	}
	if v, _ := record.Latest(); v.Level != "x" || !v.History || v.Limits["a"].Low != 1 || v.Note != "" {
		t.Errorf("the record has %+v", v)
	}
	// History may hold values of an older shape.
	older := register[settings](t, r, "older", records.Config{Kind: records.Latest})
	if skipped, err := older.Untyped().Refill([]records.Stored{{Value: json.RawMessage(`{"log_level":"old"}`)}}); skipped != 0 || err != nil {
		t.Errorf("a refill is checked too: %d, %v", skipped, err)
	}
}

// TestFloatsStayFloats: the JSON of a float has a fraction, by every door.
func TestFloatsStayFloats(t *testing.T) {
	type point struct {
		X float64 `json:"x"`
		N int     `json:"n"`
		A any     `json:"a"`
	}
	r := records.NewRegistry(records.RegistryOptions{})
	defer r.Close()
	record := register[point](t, r, "a", logged(4))
	reader := record.Untyped().Subscribe("reader")
	defer reader.Close()
	f := r.NewFeed(records.LogReader, r.Records())
	defer f.Close()
	record.Produce(point{22, 22, 22.0})
	const want = `{"x":22.0,"n":22,"a":22}`
	got, _, _, err := record.Untyped().Get()
	if err != nil || string(got) != want {
		t.Errorf("get: %s, %v", got, err)
	}
	if e, _ := reader.TryReceive(); string(e.JSON) != want {
		t.Errorf("a reader got %s", e.JSON)
	}
	items := make([]records.Item, 1)
	if f.TryTake(items); string(items[0].JSON) != want {
		t.Errorf("the log got %s", items[0].JSON)
	}
}

// TestOnDemandReader: no producer waits for it.
func TestOnDemandReader(t *testing.T) {
	r := records.NewRegistry(records.RegistryOptions{})
	defer r.Close()
	c := ring(2)
	c.Lossless = []string{"client"}
	record := register[int](t, r, "a", c)
	record.Subscribe("client").Close() // from now on producers wait for present readers only
	reader := record.Untyped().SubscribeOnDemand("client")
	defer reader.Close()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	for n := range 5 {
		if err := record.Send(ctx, n); err != nil {
			t.Fatal(err)
		}
	}
	if m := record.Untyped().Metrics(); m.Unread != 0 || m.Readers != 1 {
		t.Errorf("metrics: %+v", m)
	}
	if e, ok := reader.TryReceive(); !ok || string(e.JSON) != "3" || e.Missed != 3 {
		t.Errorf("got %+v", e)
	}
	reader.Skip()
	if e, ok := reader.TryReceive(); ok || reader.Missed() != 3 {
		t.Errorf("got %+v after a skip; %d missed", e, reader.Missed())
	}
	record.Produce(5)
	if e, ok := reader.TryReceive(); !ok || string(e.JSON) != "5" || e.Missed != 0 {
		t.Errorf("got %+v", e)
	}
}
