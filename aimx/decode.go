package aimx

import (
	"encoding/json"
	"strconv"
)

// decode reads one frame. It reports false for whatever the protocol tells
// both sides to skip in silence: text that is not one JSON object, an unknown
// kind, a missing or repeated member, a member of the wrong type. Raw members
// point into data.
func decode(data []byte) (frame, bool) {
	if !validJSON(data) {
		return frame{}, false
	}
	d := decoder{}
	if !eachMember(data, d.member) {
		return frame{}, false
	}
	required, known := d.frame.kind.required()
	if !known || d.filled&required != required {
		return frame{}, false
	}
	if d.frame.kind == kindReply && d.filled&(hasResult|hasCode) == 0 {
		return frame{}, false
	}
	return d.frame, true
}

type decoder struct {
	frame frame
	// seen has the members that came, filled those that were not null.
	seen, filled member
}

func (d *decoder) member(name, value []byte) bool {
	f := &d.frame
	switch string(name) {
	case "t":
		var t string
		ok := d.text(hasKind, value, &t)
		f.kind = kind(t)
		return ok
	case "id":
		return d.number(hasID, value, &f.id)
	case "seq":
		return d.number(hasSeq, value, &f.seq)
	case "method":
		return d.text(hasMethod, value, &f.method)
	case "topic":
		return d.text(hasTopic, value, &f.topic)
	case "sub":
		return d.text(hasSub, value, &f.sub)
	case "err":
		return d.text(hasCode, value, &f.code)
	case "msg":
		return d.text(hasMessage, value, &f.msg)
	case "params":
		return d.raw(hasParams, value, &f.params)
	case "payload":
		return d.raw(hasPayload, value, &f.payload)
	case "ok":
		return d.raw(hasResult, value, &f.result)
	case "data":
		return d.raw(hasUpdate, value, &f.update)
	case "last":
		return d.flag(hasLast, value, &f.last)
	}
	return true // members of a later version
}

// take notes a member. It reports false if it came before, and fill whether
// there is a value to read.
func (d *decoder) take(m member, value []byte) (fill, ok bool) {
	if d.seen&m != 0 {
		return false, false
	}
	d.seen |= m
	if isNull(value) {
		return false, true
	}
	d.filled |= m
	return true, true
}

func (d *decoder) text(m member, value []byte, to *string) bool {
	fill, ok := d.take(m, value)
	if !fill {
		return ok
	}
	if !isText(value) {
		return false
	}
	*to = string(text(value))
	return true
}

func (d *decoder) number(m member, value []byte, to *uint64) bool {
	fill, ok := d.take(m, value)
	if !fill {
		return ok
	}
	n, err := strconv.ParseUint(string(value), 10, 64)
	*to = n
	return err == nil
}

func (d *decoder) raw(m member, value []byte, to *json.RawMessage) bool {
	fill, ok := d.take(m, value)
	if fill {
		*to = value
	}
	return ok
}

func (d *decoder) flag(m member, value []byte, to *bool) bool {
	fill, ok := d.take(m, value)
	if !fill {
		return ok
	}
	*to = string(value) == "true"
	return *to || string(value) == "false"
}
