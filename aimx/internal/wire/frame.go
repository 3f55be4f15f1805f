package wire

import "encoding/json"

// Kind is the member "t" of a frame.
type Kind string

// The kinds of frames. Clients send the first five, servers the others.
const (
	KindRequest     Kind = "req"
	KindSubscribe   Kind = "sub"
	KindUnsubscribe Kind = "unsub"
	KindWrite       Kind = "write"
	KindPing        Kind = "ping"

	KindReply      Kind = "reply"
	KindEvent      Kind = "event"
	KindSnapshot   Kind = "snap"
	KindSubscribed Kind = "subscribed"
	KindPong       Kind = "pong"
)

// Frame is one frame of any kind. Members that its kind does not have are zero.
type Frame struct {
	Kind                              Kind
	ID, Seq                           uint64
	Method, Topic, Sub, Code, Message string
	Params, Payload, Result, Data     json.RawMessage // "params", "payload", "ok", "data"
	Last                              bool
}

// member is a set of the members of a frame.
type member uint16

const (
	hasKind member = 1 << iota
	hasID
	hasSeq
	hasMethod
	hasTopic
	hasSub
	hasCode
	hasMessage
	hasParams
	hasPayload
	hasResult
	hasData
	hasLast
)

// required returns the members that a kind requires, and whether it is known.
func (k Kind) required() (member, bool) {
	switch k {
	case KindRequest:
		return hasID | hasMethod, true
	case KindSubscribe:
		return hasID | hasTopic, true
	case KindUnsubscribe, KindSubscribed:
		return hasSub, true
	case KindWrite:
		return hasTopic, true
	case KindReply:
		return hasID, true
	case KindEvent:
		return hasSub | hasSeq, true
	case KindSnapshot:
		return hasSub | hasSeq | hasTopic, true
	case KindPing, KindPong:
		return 0, true
	}
	return 0, false
}
