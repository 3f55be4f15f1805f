package records_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/aimdb-go/aimdb/records"
)

func TestValidate(t *testing.T) {
	r := records.NewRegistry(records.RegistryOptions{})
	calls := 0
	c := ring(4)
	c.Validate = func(v map[string]int) error {
		calls++
		switch {
		case v["panics"] > 0:
			panic("oh")
		case v["n"] > 9:
			return &records.InvalidError{Path: "/n", Err: errors.New("more than 9")}
		case v["n"] < 0:
			return errors.New("negative")
		}
		return nil
	}
	record := register[map[string]int](t, r, "a", c)
	for value, want := range map[string]records.InvalidError{
		`{"n":10}`:     {Path: "/n", Err: errors.New("more than 9")},
		`{"n":-1}`:     {Err: errors.New("negative")},
		`{"panics":1}`: {Err: errors.New("the validation panicked: oh")},
	} {
		for _, set := range []func(json.RawMessage) error{
			record.Untyped().Set, record.Untyped().CheckSet,
			func(v json.RawMessage) error {
				_, err := record.Untyped().SetLogged(t.Context(), v)
				return err
			},
		} {
			err := set(json.RawMessage(value))
			var invalid *records.InvalidError
			if !errors.As(err, &invalid) || invalid.Path != want.Path || !strings.Contains(err.Error(), want.Err.Error()) {
				t.Errorf("%s: %v, want %v", value, err, &want)
			}
		}
	}
	if _, ok := record.Latest(); ok {
		t.Error("a value that is not valid was set")
	}
	before := calls
	record.Produce(map[string]int{"n": 10})
	if calls != before {
		t.Error("Produce has asked the validation")
	}
	check(t, record.Untyped().Set(json.RawMessage(`{"n":9}`)))
	c.Validate = func(string) error { return nil }
	if _, err := records.Register[int](r, "b", c); err == nil || !strings.Contains(err.Error(), "func(int) error") {
		t.Errorf("a validation of another type: %v", err)
	}
}
