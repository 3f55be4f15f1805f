package wire

import "encoding/json"

// SetAnswer is the answer to record.set.
type SetAnswer struct {
	Status string          `json:"status"`
	Value  json.RawMessage `json:"value,omitempty"`
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
