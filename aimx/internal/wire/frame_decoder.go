package wire

import (
	"encoding/json"
	"strconv"
)

// Decode decodes one frame. It reports false for a malformed frame: text that is
// not one JSON object, an unknown kind, a missing or repeated member, a member of
// the wrong type. Raw members point into data.
func (d *Decoder) Decode(data []byte) (Frame, bool) {
	f := frameDecoder{}
	if !d.eachMember(data, f.member) {
		return Frame{}, false
	}
	required, known := f.frame.Kind.required()
	if !known || f.filled&required != required {
		return Frame{}, false
	}
	if f.frame.Kind == KindReply && f.filled&(hasResult|hasCode) == 0 {
		return Frame{}, false
	}
	return f.frame, true
}

// frameDecoder fills a frame with the members it is given.
type frameDecoder struct {
	frame Frame
	// seen are the members that came, filled those that were not null.
	seen, filled member
}

func (d *frameDecoder) member(name, value []byte) bool {
	f := &d.frame
	switch string(name) {
	case "t":
		var t string
		ok := d.text(hasKind, value, &t)
		f.Kind = Kind(t)
		return ok
	case "id":
		return d.number(hasID, value, &f.ID)
	case "seq":
		return d.number(hasSeq, value, &f.Seq)
	case "method":
		return d.text(hasMethod, value, &f.Method)
	case "topic":
		return d.text(hasTopic, value, &f.Topic)
	case "sub":
		return d.text(hasSub, value, &f.Sub)
	case "err":
		return d.text(hasCode, value, &f.Code)
	case "msg":
		return d.text(hasMessage, value, &f.Message)
	case "params":
		return d.raw(hasParams, value, &f.Params)
	case "payload":
		return d.raw(hasPayload, value, &f.Payload)
	case "ok":
		return d.raw(hasResult, value, &f.Result)
	case "data":
		return d.raw(hasData, value, &f.Data)
	case "last":
		return d.flag(hasLast, value, &f.Last)
	}
	d.extension(name, value)
	return true // also for a member of a later version
}

// extension fills the members of the extension. One that is repeated or of a wrong type
// does not make the frame malformed, since upstream ignores them all.
func (d *frameDecoder) extension(name, value []byte) {
	f := &d.frame
	switch string(name) {
	case "from":
		d.raw(hasFrom, value, &f.From)
	case "follows":
		d.flag(hasFollows, value, &f.Follows)
	case "base":
		d.text(hasBase, value, &f.Base)
	case "at":
		d.text(hasAt, value, &f.At)
	case "time":
		d.time(hasTime, value, &f.Time)
	case "loss":
		d.raw(hasLoss, value, &f.Loss)
	}
}

// take marks a member as seen. ok is false if it was seen before, and fill is true
// if it has a value.
func (d *frameDecoder) take(m member, value []byte) (fill, ok bool) {
	if d.seen&m != 0 {
		return false, false
	}
	d.seen |= m
	if IsNull(value) {
		return false, true
	}
	d.filled |= m
	return true, true
}

func (d *frameDecoder) text(m member, value []byte, to *string) bool {
	fill, ok := d.take(m, value)
	if !fill {
		return ok
	}
	if !IsString(value) {
		return false
	}
	*to = string(Unquote(value))
	return true
}

func (d *frameDecoder) number(m member, value []byte, to *uint64) bool {
	fill, ok := d.take(m, value)
	if !fill {
		return ok
	}
	n, err := strconv.ParseUint(string(value), 10, 64)
	*to = n
	return err == nil
}

func (d *frameDecoder) time(m member, value []byte, to *int64) bool {
	fill, ok := d.take(m, value)
	if !fill {
		return ok
	}
	n, err := strconv.ParseInt(string(value), 10, 64)
	*to = n
	return err == nil
}

func (d *frameDecoder) raw(m member, value []byte, to *json.RawMessage) bool {
	fill, ok := d.take(m, value)
	if fill {
		*to = value
	}
	return ok
}

func (d *frameDecoder) flag(m member, value []byte, to *bool) bool {
	fill, ok := d.take(m, value)
	if !fill {
		return ok
	}
	*to = string(value) == "true"
	return *to || string(value) == "false"
}
