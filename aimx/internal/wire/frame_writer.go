package wire

import (
	"bytes"
	"encoding/json"
	"strconv"
	"strings"
	"unicode/utf8"
)

// IsPlain reports whether a frame can carry s as a kind, method, topic, subscription
// or code. Upstream rejects a frame with an escape in one of these, so text that
// JSON must escape cannot be sent.
func IsPlain(s string) bool {
	return utf8.ValidString(s) && strings.IndexFunc(s, func(c rune) bool {
		return c < ' ' || c == '"' || c == '\\'
	}) < 0
}

// FrameWriter writes frames into a buffer that the next frame reuses. It does not
// use encoding/json, which escapes U+2028 and U+2029 in topics.
type FrameWriter struct {
	buf []byte
}

// start begins a frame.
func (w *FrameWriter) start(k Kind) {
	w.buf = append(reuse(w.buf), `{"t":"`...)
	w.buf = append(w.buf, k...)
	w.buf = append(w.buf, '"')
}

func (w *FrameWriter) end() []byte {
	w.buf = append(w.buf, '}')
	return w.buf
}

func (w *FrameWriter) name(member string) {
	w.buf = append(w.buf, ',', '"')
	w.buf = append(w.buf, member...)
	w.buf = append(w.buf, '"', ':')
}

func (w *FrameWriter) number(member string, n uint64) {
	w.name(member)
	w.buf = strconv.AppendUint(w.buf, n, 10)
}

// plain writes a string without escapes. The caller has checked IsPlain.
func (w *FrameWriter) plain(member, s string) {
	w.name(member)
	w.buf = append(w.buf, '"')
	w.buf = append(w.buf, s...)
	w.buf = append(w.buf, '"')
}

// raw writes a JSON value on one line, since a line feed would split the frame.
func (w *FrameWriter) raw(member string, value []byte) {
	w.name(member)
	if len(value) == 0 {
		value = []byte("null")
	}
	w.buf = AppendCompact(w.buf, value)
}

// AppendString appends a JSON string inside a result, where escapes are allowed.
func AppendString(b []byte, s string) []byte {
	if !IsPlain(s) {
		quoted, err := json.Marshal(s)
		if err == nil { // a string can always be encoded
			return append(b, quoted...)
		}
	}
	b = append(b, '"')
	b = append(b, s...)
	return append(b, '"')
}

// AppendCompact appends a JSON value without its line feeds.
func AppendCompact(b, value []byte) []byte {
	if bytes.IndexByte(value, '\n') < 0 && bytes.IndexByte(value, '\r') < 0 {
		return append(b, value...)
	}
	buf := bytes.NewBuffer(b)
	if err := json.Compact(buf, value); err != nil {
		return append(b, "null"...) // not reached: the caller has checked the value
	}
	return buf.Bytes()
}

// Reply writes the reply to a request.
func (w *FrameWriter) Reply(id uint64, result []byte) []byte {
	w.start(KindReply)
	w.number("id", id)
	w.raw("ok", result)
	return w.end()
}

// Refusal writes a reply that refuses a request; why may be empty.
func (w *FrameWriter) Refusal(id uint64, code, why string) []byte {
	w.start(KindReply)
	w.number("id", id)
	w.plain("err", code)
	if why != "" {
		quoted, err := json.Marshal(why)
		if err == nil {
			w.raw("msg", quoted)
		}
	}
	return w.end()
}

// Event writes an update; topic may be empty.
func (w *FrameWriter) Event(sub string, seq uint64, topic string, value []byte) []byte {
	w.start(KindEvent)
	w.number("seq", seq)
	if topic != "" {
		w.plain("topic", topic)
	}
	w.plain("sub", sub)
	w.raw("data", value)
	return w.end()
}

// Snapshot writes a value that precedes the events of a subscription.
func (w *FrameWriter) Snapshot(sub string, seq uint64, topic string, value []byte, last bool) []byte {
	w.start(KindSnapshot)
	w.number("seq", seq)
	if last {
		w.buf = append(w.buf, `,"last":true`...)
	}
	w.plain("topic", topic)
	w.plain("sub", sub)
	w.raw("data", value)
	return w.end()
}

// Subscribed writes the acknowledgement of a subscription.
func (w *FrameWriter) Subscribed(sub string) []byte {
	w.start(KindSubscribed)
	w.plain("sub", sub)
	return w.end()
}

// Bare writes a frame without members, which is a ping or a pong.
func (w *FrameWriter) Bare(k Kind) []byte {
	w.start(k)
	return w.end()
}

// Request writes a request; params may be nil.
func (w *FrameWriter) Request(id uint64, method string, params []byte) []byte {
	w.start(KindRequest)
	w.number("id", id)
	w.plain("method", method)
	if params != nil {
		w.raw("params", params)
	}
	return w.end()
}

// Subscribe writes a subscription to a topic.
func (w *FrameWriter) Subscribe(id uint64, topic string) []byte {
	w.start(KindSubscribe)
	w.number("id", id)
	w.plain("topic", topic)
	return w.end()
}

// Unsubscribe writes the end of a subscription.
func (w *FrameWriter) Unsubscribe(sub string) []byte {
	w.start(KindUnsubscribe)
	w.plain("sub", sub)
	return w.end()
}

// Write writes a write, which is not answered.
func (w *FrameWriter) Write(topic string, payload []byte) []byte {
	w.start(KindWrite)
	w.plain("topic", topic)
	w.raw("payload", payload)
	return w.end()
}
