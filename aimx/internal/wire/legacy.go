package wire

import (
	"encoding/json"
	"strconv"
)

// LegacyForm is the form of a request of the protocol before AimX 3.0.
type LegacyForm int

// The forms of a request. A hello is also sent as LegacyCall with the method "hello".
const (
	LegacyCall      LegacyForm = iota // {"id","method","params"}
	LegacyHello                       // {"hello":{…}}, answered by {"welcome":{…}}
	LegacyBareHello                   // {"version","client",…}, answered by a bare welcome
)

// LegacyRequest is a request of the protocol before AimX 3.0. Its frames have no member
// "t".
type LegacyRequest struct {
	Form LegacyForm
	// ID is the JSON of the id that the answer repeats, a number or a string. It is 0 if
	// the request has none.
	ID     json.RawMessage
	Method string
	Params json.RawMessage
}

// The methods that only the protocol before AimX 3.0 has.
const (
	MethodLegacySubscribe   = "record.subscribe"
	MethodLegacyUnsubscribe = "record.unsubscribe"
)

// DecodeLegacy decodes a request of the protocol before AimX 3.0. It reports false for
// everything else, frames with the member "t" among them. Raw members point into data.
func (d *Decoder) DecodeLegacy(data []byte) (LegacyRequest, bool) {
	var f legacyDecoder
	if !d.eachMember(data, f.member) {
		return LegacyRequest{}, false
	}
	r := LegacyRequest{ID: f.id, Method: MethodHello}
	if r.ID == nil {
		r.ID = json.RawMessage("0")
	}
	switch {
	case f.method != nil:
		r.Method, r.Params = string(Unquote(f.method)), f.params
	case f.hello != nil:
		r.Form, r.Params = LegacyHello, f.hello
	case f.version && f.client:
		r.Form, r.Params = LegacyBareHello, data
	default:
		return LegacyRequest{}, false
	}
	return r, true
}

// legacyDecoder collects the members of a request. It refuses what has a wrong type and
// what comes twice.
type legacyDecoder struct {
	id, method, params, hello json.RawMessage
	version, client           bool
}

func (d *legacyDecoder) member(name, value []byte) bool {
	if IsNull(value) {
		return true
	}
	switch string(name) {
	case "t":
		return false
	case "id":
		return once(&d.id, value) && value[0] != '{' && value[0] != '[' && value[0] != 't' && value[0] != 'f'
	case "method":
		return once(&d.method, value) && IsString(value)
	case "params":
		return once(&d.params, value)
	case "hello":
		return once(&d.hello, value) && value[0] == '{'
	case "version":
		d.version = true
	case "client":
		d.client = true
	}
	return true
}

// once sets a member that is not set yet.
func once(to *json.RawMessage, value []byte) bool {
	first := *to == nil
	*to = value
	return first
}

// LegacyResult writes the answer to a request.
func (w *FrameWriter) LegacyResult(r LegacyRequest, result []byte) []byte {
	switch r.Form {
	case LegacyHello:
		w.buf = append(reuse(w.buf), `{"welcome":`...)
	case LegacyBareHello:
		w.buf = AppendCompact(reuse(w.buf), result)
		return w.buf
	default:
		w.buf = AppendCompact(append(reuse(w.buf), `{"id":`...), r.ID)
		w.buf = append(w.buf, `,"result":`...)
	}
	w.buf = AppendCompact(w.buf, result)
	return w.end()
}

// LegacyError writes the answer to a request that is refused.
func (w *FrameWriter) LegacyError(r LegacyRequest, code, message string) []byte {
	w.buf = AppendCompact(append(reuse(w.buf), `{"id":`...), r.ID)
	w.buf = append(w.buf, `,"error":{"code":`...)
	w.buf = AppendString(w.buf, code)
	w.buf = append(w.buf, `,"message":`...)
	w.buf = AppendString(w.buf, message)
	w.buf = append(w.buf, '}')
	return w.end()
}

// LegacyEvent writes a value of a subscription. ms is the time of the write, 0 if it is
// not known, and dropped is how many values before this one are missing.
func (w *FrameWriter) LegacyEvent(sub string, sequence uint64, value []byte, ms int64, dropped uint64) []byte {
	w.buf = AppendString(append(reuse(w.buf), `{"event":{"subscription_id":`...), sub)
	w.number("sequence", sequence)
	w.raw("data", value)
	if ms != 0 {
		w.name("timestamp")
		w.buf = strconv.AppendInt(w.buf, ms, 10)
	}
	if dropped > 0 {
		w.number("dropped", dropped)
	}
	w.buf = append(w.buf, '}')
	return w.end()
}
