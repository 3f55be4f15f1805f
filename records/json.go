package records

import (
	"bytes"
	"errors"
	"fmt"
	"reflect"
	"runtime/debug"
	"unicode/utf8"

	"github.com/aimdb-go/aimdb/internal/jsonshape"
)

// maxPooledBytes is the largest buffer in bytes that is kept for reuse.
const maxPooledBytes = 64 << 10

// encode returns the JSON of the value in a box, which has the shape: compact, and
// without HTML escapes, because AimX peers refuse an escaped '&', '<' or '>' in some
// places. It turns a panic of MarshalJSON into an error.
func (r *Registry) encode(box any, shape *jsonshape.Shape) (raw []byte, err error) {
	defer recoverInto(&err, "MarshalJSON")
	e := r.encoders.Get().(*jsonshape.Encoder)
	written, err := e.Encode(shape, reflect.ValueOf(box).Elem())
	if err != nil {
		return nil, err
	}
	raw = bytes.Clone(written)
	if !utf8.Valid(raw) { // of a MarshalJSON or a json.RawMessage
		return nil, errors.New("its JSON is not valid UTF-8")
	}
	if e.Cap() <= maxPooledBytes {
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
