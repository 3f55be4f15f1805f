package records

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"runtime/debug"
	"unicode/utf8"

	"github.com/aimdb-go/aimdb/internal/jsonshape"
)

// jsonEncoder writes compact JSON without HTML escapes: AimX peers refuse an
// escaped '&', '<' or '>' in some places.
type jsonEncoder struct {
	buffer  bytes.Buffer
	encoder *json.Encoder
}

func newJSONEncoder() *jsonEncoder {
	e := &jsonEncoder{}
	e.encoder = json.NewEncoder(&e.buffer)
	e.encoder.SetEscapeHTML(false)
	return e
}

// floatRoom is the space for the fractions of some floats in bytes.
const floatRoom = 8

// maxPooledBytes is the largest buffer in bytes that is kept for reuse.
const maxPooledBytes = 64 << 10

// encode returns the JSON of the value in a box, which has the shape. It turns a panic
// of MarshalJSON into an error.
func (r *Registry) encode(box any, shape *jsonshape.Shape) (raw []byte, err error) {
	defer recoverInto(&err, "MarshalJSON")
	e := r.encoders.Get().(*jsonEncoder)
	e.buffer.Reset()
	if err := e.encoder.Encode(box); err != nil {
		return nil, err
	}
	written := bytes.TrimSuffix(e.buffer.Bytes(), []byte("\n"))
	raw = shape.AppendFloats(make([]byte, 0, len(written)+floatRoom), reflect.ValueOf(box).Elem(), written)
	if !utf8.Valid(raw) { // of a MarshalJSON or a json.RawMessage
		return nil, errors.New("its JSON is not valid UTF-8")
	}
	if e.buffer.Cap() <= maxPooledBytes {
		r.encoders.Put(e)
	}
	return raw, nil
}

// recoverInto turns a panic of a method of a value into an error.
func recoverInto(err *error, where string) {
	if p := recover(); p != nil {
		*err = fmt.Errorf("%s panicked: %v\n%s", where, p, debug.Stack())
	}
}
