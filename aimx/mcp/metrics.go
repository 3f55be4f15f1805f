package mcp

import (
	"context"
	"fmt"
	"strings"

	"github.com/aimdb-go/aimdb/aimx"
	"github.com/aimdb-go/aimdb/key"
)

type metricsArguments struct {
	at
	Key    string `json:"record_key,omitempty" jsonschema:"a part of the key such as vienna, or a pattern such as temp::*; all records if it is left out"`
	Cursor string `json:"cursor,omitempty" jsonschema:"next_cursor of the answer before"`
}

type drop struct {
	Reader string `json:"reader,omitempty"`
	Cause  string `json:"cause"`
	Count  uint64 `json:"count"`
}

type signal struct {
	Signal string  `json:"signal"`
	Unit   string  `json:"unit,omitempty"`
	Count  uint64  `json:"count"`
	Last   float64 `json:"last"`
	Min    float64 `json:"min"`
	Max    float64 `json:"max"`
	Mean   float64 `json:"mean"`
}

type metricsRow struct {
	Key       string   `json:"record_key"`
	Buffer    string   `json:"buffer_type"`
	Produced  uint64   `json:"produced_count"`
	Consumed  uint64   `json:"consumed_count"`
	Dropped   uint64   `json:"dropped_count" jsonschema:"values that a reader missed because it was slow"`
	Occupancy []int    `json:"occupancy,omitempty" jsonschema:"values that the slowest reader has not read, and the capacity"`
	Drops     []drop   `json:"drops,omitempty" jsonschema:"dropped values by reader and cause"`
	Signals   []signal `json:"signals,omitempty" jsonschema:"statistics of a number in the values"`
}

type metricsAnswer struct {
	Found   bool         `json:"found"`
	Key     string       `json:"record_key"`
	Records []metricsRow `json:"records"`
	rest
	Message string `json:"message,omitempty"`
}

type stage struct {
	Type  string `json:"stage_type" jsonschema:"source, tap, link or transform"`
	Index int    `json:"index"`
	Name  string `json:"name,omitempty"`
	Calls uint64 `json:"call_count"`
	Total int64  `json:"total_time_ns" jsonschema:"nanoseconds"`
	Mean  int64  `json:"avg_time_ns" jsonschema:"nanoseconds"`
	Min   int64  `json:"min_time_ns" jsonschema:"nanoseconds"`
	Max   int64  `json:"max_time_ns" jsonschema:"nanoseconds"`
}

type profileRow struct {
	Key        string  `json:"key"`
	Stages     []stage `json:"stages"`
	Bottleneck string  `json:"bottleneck,omitempty" jsonschema:"the stage that takes longest on average"`
}

type profileAnswer struct {
	Found   bool         `json:"found"`
	Key     string       `json:"record_key"`
	Records []profileRow `json:"records"`
	rest
	Message string `json:"message,omitempty"`
}

const noRecords = "no record matches; list_records lists them"

func (s *Server) addMetricsTools() {
	addTool(s, tool{name: "get_buffer_metrics", title: "Counters of buffers",
		description: "Get what the buffers of records count: produced, consumed and dropped values, occupancy, and which reader dropped how many."}, s.bufferMetrics)
	addTool(s, tool{name: "get_stage_profiling", title: "Time of stages",
		description: "Get how long the sources, taps and transforms of records take, and which takes longest."}, s.stageProfiling)
}

// selected returns the records that a record_key selects, as upstream by a part of the
// key, or by a pattern.
func (s *Server) selected(ctx context.Context, in metricsArguments) ([]aimx.RecordInfo, error) {
	list, err := s.list(ctx, in.at)
	if err != nil {
		return nil, err
	}
	pattern := key.WirePattern(in.Key)
	var selected []aimx.RecordInfo
	for _, r := range list {
		if strings.Contains(r.Key, in.Key) || pattern.Match(r.Key) {
			selected = append(selected, r)
		}
	}
	return selected, nil
}

func (s *Server) bufferMetrics(ctx context.Context, in metricsArguments) (metricsAnswer, error) {
	answer := metricsAnswer{Key: in.Key}
	c, err := parseCursor(in.Cursor, "get_buffer_metrics", in.Endpoint, in.Key)
	if err != nil {
		return answer, err
	}
	list, err := s.selected(ctx, in)
	if err != nil {
		return answer, err
	}
	var rows []metricsRow
	for _, r := range list {
		row := metricsRow{Key: r.Key, Buffer: r.BufferType, Produced: r.Produced, Consumed: r.Consumed, Dropped: r.Dropped, Occupancy: r.Occupancy}
		for _, d := range r.Drops {
			row.Drops = append(row.Drops, drop{d.Reader, string(d.Cause), d.Count})
		}
		for _, g := range r.Signals {
			row.Signals = append(row.Signals, signal(g))
		}
		rows = append(rows, row)
	}
	answer.Records, answer.rest = part(s.config.AnswerBytes, rows, c, 0)
	if answer.Found = len(rows) > 0; !answer.Found {
		answer.Message = noRecords
	}
	return answer, nil
}

func (s *Server) stageProfiling(ctx context.Context, in metricsArguments) (profileAnswer, error) {
	answer := profileAnswer{Key: in.Key}
	c, err := parseCursor(in.Cursor, "get_stage_profiling", in.Endpoint, in.Key)
	if err != nil {
		return answer, err
	}
	list, err := s.selected(ctx, in)
	if err != nil {
		return answer, err
	}
	var rows []profileRow
	for _, r := range list {
		rows = append(rows, profileOf(r))
	}
	answer.Records, answer.rest = part(s.config.AnswerBytes, rows, c, 0)
	if answer.Found = len(rows) > 0; !answer.Found {
		answer.Message = noRecords
	}
	return answer, nil
}

func profileOf(r aimx.RecordInfo) profileRow {
	row := profileRow{Key: r.Key, Stages: []stage{}}
	slowest := int64(-1)
	for _, one := range r.Stages {
		row.Stages = append(row.Stages, stage(one))
		if one.Calls > 0 && one.Mean > slowest {
			slowest = one.Mean
			row.Bottleneck = fmt.Sprintf("%s %d %s: %.3f ms a call, %d calls", one.Type, one.Index, one.Name, float64(one.Mean)/1e6, one.Calls)
		}
	}
	return row
}
