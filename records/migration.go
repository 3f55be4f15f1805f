package records

import (
	"encoding/json"
	"errors"
	"fmt"
	"reflect"

	"github.com/aimdb-go/aimdb/internal/jsonshape"
)

// ErrNewerShape is the error for a value whose shape is newer than those that the record
// knows: a newer program has written it.
var ErrNewerShape = errors.New("a newer program has written it; use that program")

// Migration turns values of an older type of a record into values of the next one. Make
// it with NewMigration.
type Migration struct {
	from, to reflect.Type
	shape    *jsonshape.Shape // of from
	// decode reads JSON into a *Old. apply makes a *New of it.
	decode func(json.RawMessage) (any, error)
	apply  func(any) (any, error)
}

// NewMigration returns the migration from Old to New by a function. It may be called at any
// time, from several goroutines and several times for one value, so it must depend on the
// value alone. A panic in it is an error.
func NewMigration[Old, New any](upgrade func(Old) (New, error)) Migration {
	m := Migration{from: reflect.TypeFor[Old](), to: reflect.TypeFor[New]()}
	if upgrade == nil {
		return m
	}
	m.shape = jsonshape.Of(m.from)
	m.decode = decodeBox[Old]
	m.apply = func(old any) (box any, err error) {
		defer recoverInto(&err, "the migration")
		v, err := upgrade(*old.(*Old))
		if err != nil {
			return nil, err
		}
		return &v, nil
	}
	return m
}

// checkMigrations returns an error unless each migration continues the one before it, and
// the last one ends at the type of the record.
func checkMigrations[T any](all []Migration) error {
	last := reflect.TypeFor[T]()
	for i, m := range all {
		next, what := last, "the record holds"
		if i+1 < len(all) {
			next, what = all[i+1].from, fmt.Sprintf("migration %d takes", i+2)
		}
		switch {
		case m.apply == nil:
			return fmt.Errorf("migration %d, from %v to %v, has no function", i+1, m.from, m.to)
		case m.to != next:
			return fmt.Errorf("migration %d makes %v, and %s %v; give the migrations in the order of the shapes, each from the type that the one before it makes", i+1, m.to, what, next)
		}
	}
	return nil
}

// Shape returns the version of the shape of the values: the number of Config.Migrations.
func (u *Untyped) Shape() int { return len(u.config.Migrations) }

// Upgrade returns the JSON of a value in the present shape. value has an older one, or
// the present one, and then is returned as it is. The error for a newer one is
// ErrNewerShape.
func (u *Untyped) Upgrade(shape int, value json.RawMessage) (json.RawMessage, error) {
	if current := u.Shape(); shape < 0 || shape > current {
		return nil, fmt.Errorf("its shape has version %d, and record %q of this program has version %d: %w", shape, u.key.String(), current, ErrNewerShape)
	}
	return u.UpgradeTo(shape, u.Shape(), value)
}

// UpgradeTo is Upgrade to a shape between that of the value and the present one.
func (u *Untyped) UpgradeTo(shape, to int, value json.RawMessage) (json.RawMessage, error) {
	if shape == to {
		return value, nil
	}
	box, err := u.upgradeBox(shape, to, value)
	if err != nil {
		return nil, err
	}
	form := u.shape
	if to < u.Shape() {
		form = u.config.Migrations[to].shape
	}
	upgraded, err := u.registry.encode(box, form)
	if err != nil {
		return nil, fmt.Errorf("JSON cannot carry the upgraded value: %w", err)
	}
	return upgraded, nil
}

// upgradeBox decodes a value of an older shape and returns a box of the type of a newer one.
func (u *Untyped) upgradeBox(shape, to int, value json.RawMessage) (any, error) {
	box, err := u.config.Migrations[shape].decode(value)
	if err != nil {
		return nil, fmt.Errorf("read it as %v, shape version %d: %w", u.config.Migrations[shape].from, shape, err)
	}
	for i, m := range u.config.Migrations[shape:to] {
		if box, err = m.apply(box); err != nil {
			return nil, fmt.Errorf("upgrade it from %v, shape version %d, to %v: %w", m.from, shape+i, m.to, err)
		}
	}
	return box, nil
}

// decodeOlder reads a value of an older shape, the newest that it fits exactly, and
// upgrades it. It returns false if there is none.
func (u *Untyped) decodeOlder(value json.RawMessage) (box any, found bool, err error) {
	for shape := len(u.config.Migrations) - 1; shape >= 0; shape-- {
		m := u.config.Migrations[shape]
		if !m.shape.Fits(value) {
			continue
		}
		if _, err := m.decode(value); err != nil {
			continue
		}
		box, err = u.upgradeBox(shape, u.Shape(), value)
		return box, true, err
	}
	return nil, false, nil
}
