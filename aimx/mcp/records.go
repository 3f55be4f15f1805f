package mcp

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/aimdb-go/aimdb/aimx"
	"github.com/aimdb-go/aimdb/history"
	"github.com/aimdb-go/aimdb/key"
)

const (
	// getWait is how long get_record waits for the first value of a record, and getPause
	// how long it waits between two attempts. Both are upstream's.
	getWait  = 3 * time.Second
	getPause = 250 * time.Millisecond
)

// recordRow is one record of list_records.
type recordRow struct {
	Key       string   `json:"record_key" jsonschema:"the name that all tools take as record_name"`
	Schema    string   `json:"schema_type,omitempty" jsonschema:"the name of the contract of its values, if it has one"`
	Buffer    string   `json:"buffer_type" jsonschema:"spmc_ring keeps the latest values, single_latest one, mailbox one until it is taken"`
	Capacity  *int     `json:"buffer_capacity,omitempty" jsonschema:"number of values that a ring keeps"`
	Origin    string   `json:"origin" jsonschema:"what writes it: source, passive (anybody), transform, transform_join or link"`
	Inputs    []string `json:"inputs,omitempty" jsonschema:"the records that it is made from"`
	Writable  bool     `json:"writable"`
	Persisted *bool    `json:"persisted,omitempty" jsonschema:"whether its values are stored in the history"`
	Produced  uint64   `json:"produced_count" jsonschema:"values written since the start; 0 means that it has no value"`
	LastWrite string   `json:"last_write,omitempty" jsonschema:"time of the last write, for records that are persisted"`
	Lost      uint64   `json:"lost_count,omitempty" jsonschema:"values that were lost since the start; explain_gap and list_losses say why"`
}

type listArguments struct {
	at
	Pattern string `json:"pattern,omitempty" jsonschema:"which records: * stands for one segment, # for any number, such as temp::* or sensors.#; all if it is left out"`
	Cursor  string `json:"cursor,omitempty" jsonschema:"next_cursor of the answer before"`
}

type listAnswer struct {
	Records []recordRow `json:"records"`
	rest
}

type recordArguments struct {
	at
	Record string `json:"record_name" jsonschema:"the key of the record, as list_records shows it, such as temp::vienna"`
}

type getArguments struct {
	recordArguments
	Path string `json:"path,omitempty" jsonschema:"a part of the value: member names separated by dots, [n] for elements of arrays, such as wind.gust or list[0].t; or a JSON Pointer, such as /list/0/t"`
}

type getAnswer struct {
	Record string `json:"record_name"`
	value
}

func (s *Server) addRecordTools() {
	addTool(s, tool{name: "list_records", title: "List records",
		description: "List the records of a database with their kind, origin, last write and losses. Begin here."}, s.listRecords)
	addTool(s, tool{name: "get_record", title: "Get a value",
		description: "Get the current value of one record. Waits up to 3 s for the first one. For older values use query_latest or query_range."}, s.getRecord)
	addTool(s, tool{name: "drain_record", title: "Take new values", takes: true,
		description: "Take the values of a record since the last call of this tool, oldest first; a value that was taken does not come again. " +
			"Of a mailbox it takes the value away from the program. To look at values use query_range instead."}, s.drainRecord)
	addTool(s, tool{name: "query_schema", title: "Infer a schema",
		description: "Infer the JSON Schema of a record from its current value. It is a guess from one value: members may be optional, and arrays are judged by their first element."}, s.querySchema)
}

func (s *Server) listRecords(ctx context.Context, in listArguments) (answer listAnswer, err error) {
	pattern, err := parsePattern(in.Pattern)
	if err != nil {
		return answer, err
	}
	c, err := parseCursor(in.Cursor, "list_records", in.Endpoint, in.Pattern)
	if err != nil {
		return answer, err
	}
	list, err := s.list(ctx, in.at)
	if err != nil {
		return answer, err
	}
	var rows []recordRow
	for _, r := range list {
		if pattern.Match(r.Key) {
			rows = append(rows, rowOf(r))
		}
	}
	answer.Records, answer.rest = part(s.config.AnswerBytes, rows, c, 0)
	return answer, nil
}

// parsePattern reads a pattern, and no text as all records.
func parsePattern(text string) (key.Pattern, error) {
	if text == "" {
		text = "#"
	}
	return key.ParsePattern(text)
}

func (s *Server) list(ctx context.Context, a at) (list []aimx.RecordInfo, err error) {
	err = s.ask(ctx, a, func(c *aimx.Client) (err error) {
		list, err = c.List(ctx)
		return err
	})
	return list, err
}

func rowOf(r aimx.RecordInfo) recordRow {
	return recordRow{
		Key: r.Key, Schema: r.SchemaType, Buffer: r.BufferType, Capacity: r.BufferCapacity,
		Origin: r.Origin.Kind, Inputs: r.Origin.Inputs, Writable: r.Writable, Persisted: r.Persisted,
		Produced: r.Produced, LastWrite: timeOf(r.LastWrite), Lost: r.Lost,
	}
}

func (s *Server) getRecord(ctx context.Context, in getArguments) (getAnswer, error) {
	answer := getAnswer{Record: in.Record}
	path, err := history.ParsePath(in.Path)
	if err != nil {
		return answer, err
	}
	raw, err := s.get(ctx, in.recordArguments)
	if err != nil {
		return answer, err
	}
	if raw, err = partAt(raw, path); err != nil {
		return answer, fmt.Errorf("%s: %w", in.Record, err)
	}
	answer.value = valueOf(raw, s.config.AnswerBytes-reserve)
	return answer, nil
}

// get returns the value of a record. Like upstream, it waits for the first value of a record
// that has none yet.
func (s *Server) get(ctx context.Context, in recordArguments) (raw json.RawMessage, err error) {
	until := time.Now().Add(getWait)
	for {
		err = s.ask(ctx, in.at, func(c *aimx.Client) (err error) {
			raw, err = c.Get(ctx, in.Record)
			return err
		})
		var refusal *aimx.Refusal
		if !errors.As(err, &refusal) || refusal.Code != aimx.CodeNotFound || time.Now().After(until) || !s.mayCome(ctx, in) {
			return raw, err
		}
		select {
		case <-time.After(getPause):
		case <-ctx.Done():
			return nil, err
		}
	}
}

// mayCome reports whether there is a record of that name, which may get a value.
func (s *Server) mayCome(ctx context.Context, in recordArguments) bool {
	list, err := s.list(ctx, in.at)
	if err != nil {
		return false
	}
	for _, r := range list {
		if r.Key == in.Record || key.Normalize(r.Key) == key.Normalize(in.Record) {
			return true
		}
	}
	return false
}

// partAt returns the part of a value that a path leads to.
func partAt(raw json.RawMessage, path history.Path) (json.RawMessage, error) {
	for _, step := range path {
		var object map[string]json.RawMessage
		var array []json.RawMessage
		switch {
		case step.Name != "" && json.Unmarshal(raw, &object) == nil && object[step.Name] != nil:
			raw = object[step.Name]
		case (step.Name == "" || step.Either) && json.Unmarshal(raw, &array) == nil && step.Index < len(array):
			raw = array[step.Index]
		case step.Name == "":
			return nil, fmt.Errorf("the value has no element [%d] there; leave path out, or see query_schema", step.Index)
		default:
			return nil, fmt.Errorf("the value has no member %q there; leave path out, or see query_schema", step.Name)
		}
	}
	return raw, nil
}

// quote writes a name for an error text.
func quote(name string) string { return fmt.Sprintf("%q", strings.ToValidUTF8(name, "?")) }
