package records

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/aimdb-go/aimdb/internal/jsonrule"
	"github.com/aimdb-go/aimdb/internal/jsonshape"
)

// Get returns the newest value kept as JSON, false if there is none, and its write
// time in Unix milliseconds, 0 if the record keeps none. It does not take the value
// from a mailbox. The JSON is shared and must not be changed.
func (u *Untyped) Get() (value json.RawMessage, timeMS int64, ok bool, err error) {
	e, ok := u.Newest()
	if e.Err != nil {
		return nil, e.Time, true, fmt.Errorf("get record %q: JSON cannot carry the value: %w", u.key.String(), e.Err)
	}
	return e.JSON, e.Time, ok, nil
}

// Set decodes a value and produces it. It checks what encoding/json does not:
//
//   - A struct needs all members but those with omitempty or omitzero, pointers, and
//     what a pointer embeds. An array needs all elements.
//   - null is a value of pointers, slices, maps and interfaces only.
//   - Names count in their own case. Members that no field has are ignored.
//   - A type with UnmarshalJSON decides itself, also about null.
//
// The error names the member. Values that break the rule of package jsonrule are
// errors too. What Get returned can be set, unless a method of the type writes what
// another does not read. Set does not check Config.Writable; the gateway does.
//
// A value that is not of the type of the record is upgraded if it is exactly one of an
// older type: it has no members that this does not have. Of several the newest counts.
// Config.Validate judges what Set would produce.
func (u *Untyped) Set(value json.RawMessage) error {
	box, err := u.checked(value)
	if err != nil {
		return fmt.Errorf("set record %q: %w", u.key.String(), err)
	}
	u.typed.produce(box)
	return nil
}

// SetLogged is Set that waits for space as ProduceLogged does, and not for the log: the Ack
// does. A record that is not Logged has nothing to wait for. Many values can be set before
// the first Wait. It returns ErrClosed, or the error of ctx if there is no space before.
func (u *Untyped) SetLogged(ctx context.Context, value json.RawMessage) (Ack, error) {
	box, err := u.checked(value)
	var ack Ack
	if err == nil {
		ack, err = u.typed.send(ctx, box)
	}
	if err != nil {
		return Ack{}, fmt.Errorf("set record %q: %w", u.key.String(), err)
	}
	return ack, nil
}

// CheckSet returns the error of Set with a value, and sets nothing.
func (u *Untyped) CheckSet(value json.RawMessage) error {
	if _, err := u.checked(value); err != nil {
		return fmt.Errorf("check a value for record %q: %w", u.key.String(), err)
	}
	return nil
}

// checked decodes a value that Set may produce.
func (u *Untyped) checked(value json.RawMessage) (any, error) {
	if u.registry.producerOf(u) != nil {
		return nil, ErrHasProducer
	}
	if err := jsonrule.Check(value); err != nil {
		return nil, &InvalidError{Err: fmt.Errorf("the value %w", err)}
	}
	box, err := u.decodeSet(value)
	if err != nil {
		if older, found, failed := u.decodeOlder(value); found {
			box, err = older, failed
		}
	}
	if err != nil {
		return nil, &InvalidError{Path: jsonshape.PathOf(value, err), Err: fmt.Errorf("the value is not a %s: %w", u.TypeName(), err)}
	}
	if err := u.typed.validate(box); err != nil {
		return nil, err
	}
	return box, nil
}

// decodeSet checks a value and decodes it.
func (u *Untyped) decodeSet(value json.RawMessage) (any, error) {
	value, err := u.shape.Check(value)
	if err != nil {
		return nil, err
	}
	box, err := u.typed.decode(value)
	var wrong *json.UnmarshalTypeError
	if errors.As(err, &wrong) && wrong.Field != "" {
		return nil, fmt.Errorf("the member %s cannot be a %s: %w", wrong.Field, wrong.Value, err)
	}
	return box, err
}
