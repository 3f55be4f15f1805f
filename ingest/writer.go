package ingest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/aimdb-go/aimdb/access"
	"github.com/aimdb-go/aimdb/internal/jsonrule"
	"github.com/aimdb-go/aimdb/records"
)

// Config configures a Writer. Only Registry is required.
type Config struct {
	// Registry holds the records.
	Registry *records.Registry
	// ReadOnly is why nothing can be set, empty if something can.
	ReadOnly string
	// Create registers a record that does not exist, if it takes a value, and returns the
	// one that another call has just registered. If make is false it registers nothing, and
	// returns nil for a record that it would register. Its error may be a *Refusal or a
	// *records.InvalidError; any other refuses the key as Unknown. Nil refuses all such
	// keys.
	Create func(key string, value json.RawMessage, make bool) (*records.Untyped, error)
	// Log returns a context that ends, with the reason as its cause, when the log cannot be
	// written, and has ended while that lasts. Nil is a log that always can.
	Log func() context.Context
}

// Writer sets records from outside. It is safe for concurrent use.
type Writer struct {
	config Config
	via    string
	shared *shared
}

// New returns a writer.
func New(c Config) *Writer {
	ended, end := context.WithCancel(context.Background())
	end()
	return &Writer{config: c, shared: &shared{ended: ended}}
}

// MayWrite reports whether a client with these grants may set a record. A record that a
// stage of the graph produces has that stage as its only writer.
func (w *Writer) MayWrite(g *access.Grants, u *records.Untyped) bool {
	return w.config.ReadOnly == "" && writable(u) && g.Writes(u.Key())
}

// MayCreate reports whether there are keys for which a record is made if a client with these
// grants sets them.
func (w *Writer) MayCreate(g *access.Grants) bool {
	return w.config.ReadOnly == "" && w.config.Create != nil && g.WritesAny()
}

func writable(u *records.Untyped) bool {
	c := u.Config()
	return c.Writable && c.Remote && u.Origin().Kind == "passive"
}

// Set makes a value the newest one of a record, and does not wait. A refusal is a *Refusal,
// that with NoSpace while the log cannot be written and has to have the value.
func (w *Writer) Set(g *access.Grants, name string, value json.RawMessage) (*records.Untyped, error) {
	log := w.log()
	u, err := w.record(g, name, value, log.Err() == nil)
	if err == nil {
		err = noSpace(log, u, name)
	}
	if err == nil {
		err = u.Set(value)
	}
	if err != nil {
		return nil, w.refused(name, err)
	}
	w.shared.accepted.Add(1)
	return u, nil
}

// Check returns the error that Set would return, and sets nothing. The record is nil if
// Set would have to make it.
func (w *Writer) Check(g *access.Grants, name string, value json.RawMessage) (*records.Untyped, error) {
	u, err := w.record(g, name, value, false)
	if err == nil && u != nil {
		err = u.CheckSet(value)
	}
	if err != nil {
		return nil, asRefusal(name, err)
	}
	return u, nil
}

// SetLogged is Set that waits for space in the record, so that nothing is dropped, and
// returns what waits for the log. It returns the error of ctx if there is no space before.
// It refuses with NoSpace as Set does.
func (w *Writer) SetLogged(ctx context.Context, g *access.Grants, name string, value json.RawMessage) (Pending, error) {
	log := w.log()
	u, err := w.record(g, name, value, log.Err() == nil)
	var ack records.Ack
	if err == nil {
		ack, err = w.setLogged(ctx, log, u, name, value)
	}
	if err != nil {
		return Pending{}, w.refused(name, err)
	}
	w.shared.accepted.Add(1)
	return Pending{w, u, ack}, nil
}

// record returns the record of a name that the client may set. It makes one if make is
// true; otherwise it returns nil for one that would have to be made.
func (w *Writer) record(g *access.Grants, name string, value json.RawMessage, make bool) (*records.Untyped, error) {
	refuse := func(cause Cause, format string, args ...any) error {
		return &Refusal{Cause: cause, Record: name, Reason: fmt.Sprintf(format, args...)}
	}
	if w.config.ReadOnly != "" {
		return nil, refuse(ReadOnly, "cannot set record %q: %s", name, w.config.ReadOnly)
	}
	u, ok := w.config.Registry.Lookup(name)
	switch {
	case ok && !g.Writes(u.Key()), !ok && !g.Writes(name):
		return nil, refuse(Denied, "record %q is not writable from outside by this client; its token, user or connection does not grant it", name)
	case ok && !writable(u):
		return nil, refuse(Denied, "record %q is not writable from outside; register it with Writable, and no stage that produces it", name)
	case ok:
		return u, nil
	case w.config.Create == nil:
		return nil, refuse(Unknown, "record %q is not writable from outside: there is no such record", name)
	}
	if err := jsonrule.Check(value); err != nil {
		return nil, refuse(Invalid, "set record %q: the value %v", name, err)
	}
	u, err := w.config.Create(name, value, make)
	var refused *Refusal
	var invalid *records.InvalidError
	switch {
	case errors.As(err, &refused), errors.As(err, &invalid), errors.Is(err, records.ErrClosed):
		return nil, err
	case err != nil:
		return nil, refuse(Unknown, "record %q cannot be made: %v", name, err)
	case u == nil:
		return nil, nil
	case !w.MayWrite(g, u):
		return nil, refuse(Denied, "record %q is not writable from outside by this client", name)
	}
	return u, nil
}

// refused counts a refusal.
func (w *Writer) refused(name string, err error) error {
	err = asRefusal(name, err)
	var r *Refusal
	if errors.As(err, &r) {
		w.count(r)
	}
	return err
}

// asRefusal returns an error of a record as a refusal. That of a context, or of a registry
// that is closed, is none.
func asRefusal(name string, err error) error {
	var r *Refusal
	var invalid *records.InvalidError
	switch {
	case errors.As(err, &r):
		return r
	case errors.As(err, &invalid):
		return &Refusal{Cause: Invalid, Record: name, Path: invalid.Path, Reason: err.Error()}
	case errors.Is(err, records.ErrHasProducer):
		return &Refusal{Cause: Denied, Record: name, Reason: err.Error()}
	}
	return err
}
