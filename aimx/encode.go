package aimx

import (
	"bytes"
	"encoding/json"
	"strconv"
	"strings"
	"unicode/utf8"
)

// carriable reports whether a frame can carry s as a kind, method, topic,
// subscription or code: upstream rejects a frame that has an escape in one of
// them, so what JSON must escape cannot be sent at all.
func carriable(s string) bool {
	return utf8.ValidString(s) && strings.IndexFunc(s, func(c rune) bool {
		return c < ' ' || c == '"' || c == '\\'
	}) < 0
}

// frameWriter appends frames to a buffer. It does not use encoding/json, which
// escapes '&', '<', '>', U+2028 and U+2029 in topics.
type frameWriter struct {
	buf []byte
}

// start begins a frame of a kind in an emptied buffer.
func (w *frameWriter) start(k kind) {
	w.buf = append(emptied(w.buf), `{"t":"`...)
	w.buf = append(w.buf, k...)
	w.buf = append(w.buf, '"')
}

func (w *frameWriter) end() []byte {
	w.buf = append(w.buf, '}')
	return w.buf
}

func (w *frameWriter) name(member string) {
	w.buf = append(w.buf, ',', '"')
	w.buf = append(w.buf, member...)
	w.buf = append(w.buf, '"', ':')
}

func (w *frameWriter) number(member string, n uint64) {
	w.name(member)
	w.buf = strconv.AppendUint(w.buf, n, 10)
}

// plain writes a string as it is; the caller has made sure it is carriable.
func (w *frameWriter) plain(member, s string) {
	w.name(member)
	w.buf = append(w.buf, '"')
	w.buf = append(w.buf, s...)
	w.buf = append(w.buf, '"')
}

// raw writes a JSON value on one line: a line feed in it, which only values
// from outside have, would split the frame.
func (w *frameWriter) raw(member string, value []byte) {
	w.name(member)
	if len(value) == 0 {
		value = []byte("null")
	}
	w.buf = appendCompact(w.buf, value)
}

// appendText writes a string inside a result, where escapes are allowed.
func appendText(b []byte, s string) []byte {
	if !carriable(s) {
		quoted, err := json.Marshal(s)
		if err == nil { // always
			return append(b, quoted...)
		}
	}
	b = append(b, '"')
	b = append(b, s...)
	return append(b, '"')
}

func appendCompact(b, value []byte) []byte {
	if bytes.IndexByte(value, '\n') < 0 && bytes.IndexByte(value, '\r') < 0 {
		return append(b, value...)
	}
	buf := bytes.NewBuffer(b)
	if err := json.Compact(buf, value); err != nil {
		return append(b, "null"...) // not reached: values are checked before
	}
	return buf.Bytes()
}

func (w *frameWriter) reply(id uint64, result []byte) []byte {
	w.start(kindReply)
	w.number("id", id)
	w.raw("ok", result)
	return w.end()
}

func (w *frameWriter) refusal(id uint64, code Code, why string) []byte {
	w.start(kindReply)
	w.number("id", id)
	w.plain("err", string(code))
	if why != "" {
		quoted, err := json.Marshal(why)
		if err == nil {
			w.raw("msg", quoted)
		}
	}
	return w.end()
}

func (w *frameWriter) event(sub string, seq uint64, topic string, value []byte) []byte {
	w.start(kindEvent)
	w.number("seq", seq)
	if topic != "" {
		w.plain("topic", topic)
	}
	w.plain("sub", sub)
	w.raw("data", value)
	return w.end()
}

func (w *frameWriter) snapshot(sub string, seq uint64, topic string, value []byte, last bool) []byte {
	w.start(kindSnapshot)
	w.number("seq", seq)
	if last {
		w.buf = append(w.buf, `,"last":true`...)
	}
	w.plain("topic", topic)
	w.plain("sub", sub)
	w.raw("data", value)
	return w.end()
}

func (w *frameWriter) subscribed(sub string) []byte {
	w.start(kindSubscribed)
	w.plain("sub", sub)
	return w.end()
}

func (w *frameWriter) bare(k kind) []byte {
	w.start(k)
	return w.end()
}

func (w *frameWriter) request(id uint64, method string, params []byte) []byte {
	w.start(kindRequest)
	w.number("id", id)
	w.plain("method", method)
	if params != nil {
		w.raw("params", params)
	}
	return w.end()
}

func (w *frameWriter) subscribe(id uint64, topic string) []byte {
	w.start(kindSubscribe)
	w.number("id", id)
	w.plain("topic", topic)
	return w.end()
}

func (w *frameWriter) unsubscribe(sub string) []byte {
	w.start(kindUnsubscribe)
	w.plain("sub", sub)
	return w.end()
}

func (w *frameWriter) write(topic string, payload []byte) []byte {
	w.start(kindWrite)
	w.plain("topic", topic)
	w.raw("payload", payload)
	return w.end()
}
