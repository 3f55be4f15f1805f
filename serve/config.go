package serve

import (
	"encoding/json"

	"github.com/aimdb-go/aimdb"
	"github.com/aimdb-go/aimdb/mqtt"
)

// The defaults of a Config that aimdb.Config does not have.
const (
	// DefaultMaxRecords is how many records clients can begin by patterns.
	DefaultMaxRecords = 10_000
	// Off as the address of a listener or as History turns it off.
	Off = "off"
)

// Config is all that a server can be told: what a database can be told, and beside that
// what a program says in Go, its records and its history. A file has durations as text
// such as 90s and 7d, and sizes as text such as 64MB and 1GiB. The text "off" turns off a
// listener.
type Config struct {
	aimdb.Config

	// History is where values are kept: the path of a SQLite file, the URL of a database
	// in PostgreSQL, or "off". The default is history.db in Dir. A relative path starts
	// at the directory of the process.
	History string `json:"history,omitempty"`
	// MQTT is the host:port for MQTT clients, empty for none. Without a host it is
	// 127.0.0.1.
	MQTT string `json:"mqtt,omitempty"`
	// MQTTClients bounds what MQTT clients can take. A field that is 0 has its default.
	MQTTClients mqtt.Limits `json:"mqtt_clients,omitzero"`
	// NATSTLS and MQTTTLS are the certificates of these listeners. Without, they are
	// those of TLS.
	NATSTLS aimdb.TLSFiles `json:"nats_tls,omitzero"`
	MQTTTLS aimdb.TLSFiles `json:"mqtt_tls,omitzero"`
	// Records are the records of the database. One with a Pattern stands for all keys
	// that match it: such a record begins with the first value that a client sets. A
	// record with the Key itself comes before those with patterns, and of several
	// patterns the most specific one counts, compared segment by segment: a literal
	// before '*', and '*' before '#'.
	Records []Record `json:"records,omitempty"`
	// RequireToken refuses settings by which a listener that other machines reach lets
	// everybody in. A listener asks for a token, a user, or a certificate of a ca_file.
	RequireToken bool `json:"require_token,omitempty"`
	// Otel says where spans of the batches that the history stores are sent.
	Otel Otel `json:"otel,omitzero"`
	// MaxRecords bounds the records that begin by a pattern, DefaultMaxRecords if it is 0.
	MaxRecords int `json:"max_records,omitempty"`
}

// Record declares a record, or with Pattern many.
type Record struct {
	// Key or Pattern, one of them.
	Key     string `json:"key,omitempty"`
	Pattern string `json:"pattern,omitempty"`
	// Buffer is latest, ring or mailbox. The default is latest, and ring if Capacity is
	// given.
	Buffer   string `json:"buffer,omitempty"`
	Capacity int    `json:"capacity,omitempty"`
	// Persist, Remote and Writable are true if they are not given: the values are kept,
	// clients may read them, and clients may set them.
	Persist  *bool `json:"persist,omitempty"`
	Remote   *bool `json:"remote,omitempty"`
	Writable *bool `json:"writable,omitempty"`
	// Durable and Lossless are as the options of package aimdb.
	Durable  bool `json:"durable,omitempty"`
	Lossless bool `json:"lossless,omitempty"`
	// Retention limits the history of the record.
	Retention aimdb.Retention `json:"retention,omitzero"`
	// Schema is a JSON Schema that values must follow, or the path of a file with one,
	// relative to the file of the settings.
	Schema json.RawMessage `json:"schema,omitempty"`
	// Type is the name of the contract that clients see as schema_type.
	Type string `json:"type,omitempty"`
	// Signal is the JSON Pointer of a number in the value whose statistics are kept, ""
	// for the value itself. Unit is its unit.
	Signal *string `json:"signal,omitempty"`
	Unit   string  `json:"unit,omitempty"`
	// Time is the JSON Pointer of the value's own time, "" for the value itself: text in
	// RFC 3339 or a number of Unix milliseconds. A value without one has the time of its
	// write.
	Time *string `json:"time,omitempty"`
}

// name is how messages call a record.
func (r Record) name() string {
	if r.Key != "" {
		return r.Key
	}
	return r.Pattern
}
