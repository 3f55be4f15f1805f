package aimx

import "github.com/aimdb-go/aimdb/loss"

// Info is the answer to hello: the description of a server.
type Info struct {
	Version          string   `json:"version"`
	Server           string   `json:"server"`
	Permissions      []string `json:"permissions"`
	WritableRecords  []string `json:"writable_records"`
	MaxSubscriptions int      `json:"max_subscriptions"`
	Authenticated    bool     `json:"authenticated"`
}

// RecordInfo is one row of record.list.
type RecordInfo struct {
	ID  int    `json:"record_id"`
	Key string `json:"record_key"`
	// Name equals Key: the tools of upstream show and look up the name.
	Name   string `json:"name"`
	TypeID string `json:"type_id"`
	// SchemaType is the name of the contract of the values, if the record has one.
	SchemaType string `json:"schema_type,omitempty"`
	Entity     string `json:"entity,omitempty"`
	Origin     Origin `json:"origin"`
	// BufferType is "spmc_ring", "single_latest", "mailbox" or "none".
	BufferType string `json:"buffer_type"`
	// BufferCapacity is set for rings only.
	BufferCapacity *int `json:"buffer_capacity,omitempty"`
	Producers      int  `json:"producer_count"`
	Consumers      int  `json:"consumer_count"`
	Outbound       int  `json:"outbound_connector_count"`
	Writable       bool `json:"writable"`
	// Produced counts the values written, and those that were there at the start:
	// refilled from history, or the initial one. 0 means that the record never had one.
	Produced uint64 `json:"produced_count"`
	Consumed uint64 `json:"consumed_count"`
	Dropped  uint64 `json:"dropped_count"`
	// Occupancy is the number of values and the capacity. In a ring, the values are
	// those that its slowest reader has not read.
	Occupancy []int          `json:"occupancy,omitempty"`
	Stages    []StageProfile `json:"stage_profiling,omitempty"`
	Signals   []SignalStats  `json:"signal_stats,omitempty"`
	// The rows of upstream lack the following members, and its clients ignore
	// them.

	// InboundKeys are the records that the record is made from. Upstream 2.0 proposes the
	// member; records without inputs do not have it.
	InboundKeys []string `json:"inbound_keys,omitempty"`
	// Persisted reports whether values of the record are stored. It is nil if the
	// server does not say so.
	Persisted *bool `json:"persisted,omitempty"`
	// Remote reports whether clients may read the values of the record. It is nil if the
	// server does not say so.
	Remote *bool `json:"remote,omitempty"`
	// LastWrite is the time of the last write in Unix milliseconds. It is 0 for
	// records that do not take it.
	LastWrite int64 `json:"last_write_ms,omitempty"`
	// Drops counts the values that readers missed. Losses are the latest losses
	// of the record, Lost is the number of values lost in all, and LostBy the
	// number by cause.
	Drops  []Drop                `json:"drops,omitempty"`
	Losses []loss.Loss           `json:"losses,omitempty"`
	Lost   uint64                `json:"lost_count,omitempty"`
	LostBy map[loss.Cause]uint64 `json:"lost_by_cause,omitempty"`
	// EventTime says that the values have times of their own, under which history has them.
	EventTime bool `json:"event_time,omitempty"`
	// BadTimes is the number of values whose own time could not be stored.
	BadTimes uint64 `json:"bad_times,omitempty"`
}

// StageProfile is the time that one stage of a record took.
type StageProfile struct {
	Type  string `json:"stage_type"`
	Index int    `json:"index"`
	Name  string `json:"name,omitempty"`
	Calls uint64 `json:"call_count"`
	Total int64  `json:"total_time_ns"`
	Mean  int64  `json:"avg_time_ns"`
	Min   int64  `json:"min_time_ns"`
	Max   int64  `json:"max_time_ns"`
}

// SignalStats are the statistics of a number in a record's values.
type SignalStats struct {
	Signal string  `json:"signal"`
	Unit   string  `json:"unit,omitempty"`
	Count  uint64  `json:"count"`
	Last   float64 `json:"last"`
	Min    float64 `json:"min"`
	Max    float64 `json:"max"`
	Mean   float64 `json:"mean"`
}

// Drop counts values that a reader missed.
type Drop struct {
	Reader string     `json:"reader,omitempty"`
	Cause  loss.Cause `json:"cause"`
	Count  uint64     `json:"count"`
}
