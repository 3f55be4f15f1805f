package wire

import "encoding/json"

// HelloParams are the parameters of hello.
type HelloParams struct {
	Version string `json:"version"`
	Client  string `json:"client"`
	Token   string `json:"auth_token,omitempty"`
	// FrameBytes is the longest frame that the client takes over TCP. It is an addition
	// to the protocol; without it, LengthFrameBytes counts.
	FrameBytes int64 `json:"frame_bytes,omitempty"`
}

// SetAnswer is the answer to record.set.
type SetAnswer struct {
	Status string          `json:"status"`
	Value  json.RawMessage `json:"value,omitempty"`
	// Logged is the answer to the parameter logged: false if the record is not logged. A
	// server that does not know the parameter leaves it out.
	Logged *bool `json:"logged,omitempty"`
}

// DrainAnswer is the answer to record.drain.
type DrainAnswer struct {
	Name   string            `json:"record_name"`
	Values []json.RawMessage `json:"values"`
	Count  int               `json:"count"`
}

// StoredRow is one row of a QueryAnswer.
type StoredRow struct {
	Topic   string          `json:"topic"`
	Payload json.RawMessage `json:"payload"`
	Time    int64           `json:"ts"`
}

// QueryAnswer is the answer to record.query.
type QueryAnswer struct {
	Records []StoredRow `json:"records"`
	Total   int         `json:"total"`
}
