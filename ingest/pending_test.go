package ingest_test

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/aimdb-go/aimdb/access"
	"github.com/aimdb-go/aimdb/ingest"
	"github.com/aimdb-go/aimdb/records"
)

// TestLogThatCannotBeWritten: who waits for the log or for space is told, nothing more is set
// that has to be in the log and no record is made, and all of it ends with the fault.
func TestLogThatCannotBeWritten(t *testing.T) {
	w := newWorld(t)
	log, full := context.WithCancelCause(t.Context())
	errFull := errors.New("the disk is full")
	made := 0
	writer := ingest.New(ingest.Config{
		Registry: w.registry,
		Log:      func() context.Context { return log },
		Create: func(name string, _ json.RawMessage, register bool) (*records.Untyped, error) {
			if !register {
				return nil, nil
			}
			made++
			return w.registry.Add(name, records.Config{Kind: records.Latest, Writable: true})
		},
	})
	value := json.RawMessage(`{"celsius":1}`)
	set := func(name string) (ingest.Pending, error) {
		return writer.SetLogged(t.Context(), (*access.Grants)(nil), name, value)
	}
	refused := func(err error, cause ingest.Cause, says string) {
		t.Helper()
		var r *ingest.Refusal
		if !errors.As(err, &r) || r.Cause != cause || !errors.Is(err, errFull) || !strings.Contains(err.Error(), says) {
			t.Errorf("%#v, want %v and %q", err, cause, says)
		}
	}
	var pending []ingest.Pending
	for range 4 { // as many as the ring holds
		p, err := set("attic.air")
		if err != nil {
			t.Fatal(err)
		}
		pending = append(pending, p)
	}
	waits := make(chan error, 2)
	go func() { waits <- pending[0].Wait(t.Context()) }()
	_, err := writer.SetLogged(t.Context(), nil, "attic.memory", value)
	if err != nil {
		t.Fatal(err)
	}
	spaces := make(chan error, 1)
	go func() {
		_, err := set("attic.air")
		spaces <- err
	}()
	full(errFull)
	refused(<-waits, ingest.NotLogged, "a value that is sent again can be stored twice")
	refused(<-spaces, ingest.NoSpace, "the value was not set: the disk is full")
	refused(pending[1].Wait(t.Context()), ingest.NotLogged, "is not in the log")
	_, err = set("attic.air")
	refused(err, ingest.NoSpace, "was not set")
	_, err = set("attic.new")
	refused(err, ingest.NoSpace, "was not set")
	_, err = writer.Set(nil, "attic.air", value)
	refused(err, ingest.NoSpace, "was not set")
	if _, err := set("attic.memory"); err != nil {
		t.Errorf("a record that is not logged: %v", err)
	}
	if n := w.logged.Produced(); n != 4 || made != 0 {
		t.Errorf("%d values are set and %d records made", n, made)
	}
	if counts := writer.Counts(); counts.Refused["no_space"] != 4 || counts.Refused["not_logged"] != 2 {
		t.Errorf("counted %+v", counts)
	}

	log = context.Background()
	w.feed.TryTake(make([]records.Item, 8))
	w.logged.AckLogged(4)
	if err := pending[2].Wait(t.Context()); err != nil {
		t.Error(err)
	}
	if _, err := set("attic.new"); err != nil || made != 1 {
		t.Errorf("%d made: %v", made, err)
	}
}
