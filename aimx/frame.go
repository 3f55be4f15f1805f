package aimx

import "encoding/json"

// kind is the member "t" of a frame.
type kind string

// The kinds of frames: the first five go to the server, the others come from it.
const (
	kindRequest     kind = "req"
	kindSubscribe   kind = "sub"
	kindUnsubscribe kind = "unsub"
	kindWrite       kind = "write"
	kindPing        kind = "ping"

	kindReply      kind = "reply"
	kindEvent      kind = "event"
	kindSnapshot   kind = "snap"
	kindSubscribed kind = "subscribed"
	kindPong       kind = "pong"
)

// frame is one frame of any kind. What a kind does not have is zero.
type frame struct {
	kind                            kind
	id, seq                         uint64
	method, topic, sub, code, msg   string
	params, payload, result, update json.RawMessage // "params", "payload", "ok", "data"
	last                            bool
}

// member is a bit for every member a frame can have, to know which were there.
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
	hasUpdate
	hasLast
)

// required returns the members without which a frame is malformed, and whether
// the kind is known.
func (k kind) required() (member, bool) {
	switch k {
	case kindRequest:
		return hasID | hasMethod, true
	case kindSubscribe:
		return hasID | hasTopic, true
	case kindUnsubscribe, kindSubscribed:
		return hasSub, true
	case kindWrite:
		return hasTopic, true
	case kindReply:
		return hasID, true
	case kindEvent:
		return hasSub | hasSeq, true
	case kindSnapshot:
		return hasSub | hasSeq | hasTopic, true
	case kindPing, kindPong:
		return 0, true
	}
	return 0, false
}
