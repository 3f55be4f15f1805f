package schema

import (
	"encoding/json"
	"errors"
	"slices"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/santhosh-tekuri/jsonschema/v6/kind"

	"github.com/aimdb-go/aimdb/records"
)

// maxReason is the length of the longest reason.
const maxReason = 200

// failure is a place in a document and what is wrong there.
type failure struct{ path, reason string }

// Error implements error.
func (f *failure) Error() string {
	if f.path == "" {
		return f.reason
	}
	return "at " + f.path + ": " + f.reason
}

// Check returns a *records.InvalidError if a value does not follow the schema.
func (s *Schema) Check(value json.RawMessage) error {
	doc, err := decode(value)
	if err == nil {
		err = s.compiled.Validate(doc)
	}
	if err == nil {
		return nil
	}
	f := s.first(err)
	return &records.InvalidError{Path: f.path, Err: errors.New(f.reason)}
}

// explain returns what is wrong with a schema.
func (s *Schema) explain(err error) error {
	var wrong *jsonschema.SchemaValidationError
	if errors.As(err, &wrong) {
		return s.first(wrong.Err)
	}
	var load *jsonschema.LoadURLError
	if errors.As(err, &load) {
		return &failure{"", "the reference to " + load.URL + " cannot be followed: " + load.Err.Error()}
	}
	return err
}

// first returns the failure whose place comes first.
func (s *Schema) first(err error) *failure {
	var found *failure
	if errors.As(err, &found) {
		return found
	}
	var invalid *jsonschema.ValidationError
	if !errors.As(err, &invalid) {
		return &failure{"", short(err.Error())}
	}
	return s.firstOf(invalid)
}

// firstOf goes down to what failed. Of several alternatives none is the one that was
// meant, so it stops at their place.
func (s *Schema) firstOf(e *jsonschema.ValidationError) *failure {
	alternatives := false
	switch e.ErrorKind.(type) {
	case *kind.AnyOf, *kind.OneOf, *kind.Contains:
		alternatives = true
	}
	if alternatives || len(e.Causes) == 0 {
		return s.failure(e)
	}
	var first *failure
	for _, cause := range e.Causes {
		if f := s.firstOf(cause); first == nil || f.path < first.path || f.path == first.path && f.reason < first.reason {
			first = f
		}
	}
	return first
}

func (s *Schema) failure(e *jsonschema.ValidationError) *failure {
	var path strings.Builder
	for _, token := range e.InstanceLocation {
		path.WriteString("/" + escaped(token))
	}
	if k, ok := e.ErrorKind.(*kind.AdditionalProperties); ok {
		path.WriteString("/" + escaped(slices.Min(k.Properties)))
	}
	return &failure{path.String(), short(s.reason(e.ErrorKind))}
}

// short cuts a reason that shows a long value.
func short(reason string) string {
	if len(reason) <= maxReason {
		return reason
	}
	return strings.ToValidUTF8(reason[:maxReason], "") + "…"
}
