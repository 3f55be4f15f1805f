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

	// KindBegin and KindCaughtUp belong to the extension: only a client that follows
	// gets them.
	KindBegin    Kind = "begin"
	KindCaughtUp Kind = "caught_up"
)

// Frame is one frame of any kind. Members that its kind does not have are zero.
type Frame struct {
	Kind                              Kind
	ID, Seq                           uint64
	Method, Topic, Sub, Code, Message string
	Params, Payload, Result, Data     json.RawMessage // "params", "payload", "ok", "data"
	Last                              bool

	// The members of the extension. From is the start of a subscription that resumes:
	// a time or a position. Follows says that a server serves it.
	From     json.RawMessage
	Follows  bool
	Base, At string
	Time     int64
	Loss     json.RawMessage
}

// member is a set of the members of a frame.
type member uint32

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
	hasFrom
	hasFollows
	hasBase
	hasAt
	hasTime
	hasLoss
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
	case KindBegin:
		return hasSub | hasBase | hasAt, true
	case KindCaughtUp:
		return hasSub | hasAt, true
	case KindPing, KindPong:
		return 0, true
	}
	return 0, false
}
