package mcp

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/aimdb-go/aimdb/aimx"
	"github.com/aimdb-go/aimdb/key"
)

type setArguments struct {
	recordArguments
	Value json.RawMessage `json:"value" jsonschema:"the new value, with all members that the type of the record has: see get_record"`
}

type setAnswer struct {
	Record string `json:"record_name"`
	Status string `json:"status" jsonschema:"success"`
	value
}

type resetAnswer struct {
	Reset bool `json:"reset"`
}

func (s *Server) addSetTools() {
	addTool(s, tool{name: "set_record", title: "Set a record", changes: true,
		description: "Set the value of a record, and return it as it is then. Allowed here for: " + strings.Join(s.config.AllowSet, ", ") + ". Ask the user before you change something."}, s.setRecord)
	if !slices.Contains(s.config.AllowSet, "#") {
		return // a reset changes the counters of all records
	}
	addTool(s, tool{name: "reset_buffer_metrics", title: "Reset counters", changes: true,
		description: "Set the buffer counters of all records back to 0. What they counted is gone."}, s.reset("buffer_metrics.reset"))
	addTool(s, tool{name: "reset_stage_profiling", title: "Reset profiling", changes: true,
		description: "Set the profiling of all stages back to 0. What was measured is gone."}, s.reset("profiling.reset"))
}

func (s *Server) setRecord(ctx context.Context, in setArguments) (setAnswer, error) {
	answer := setAnswer{Record: in.Record, Status: "success"}
	if !slices.ContainsFunc(s.allowSet, func(p key.Pattern) bool { return p.Grants(in.Record) }) {
		return answer, fmt.Errorf("setting %s is not allowed here, only %s; a person can allow it: aimdb mcp --allow-set PATTERN", quote(in.Record), strings.Join(s.config.AllowSet, ", "))
	}
	raw, err := change(ctx, s, in.at, func(c *aimx.Client) (json.RawMessage, error) { return c.Set(ctx, in.Record, in.Value) })
	answer.value = valueOf(raw, s.config.AnswerBytes-reserve)
	return answer, err
}

func (s *Server) reset(method string) func(context.Context, at) (resetAnswer, error) {
	return func(ctx context.Context, in at) (resetAnswer, error) {
		_, err := change(ctx, s, in, func(c *aimx.Client) (json.RawMessage, error) { return c.Call(ctx, method, nil) })
		return resetAnswer{Reset: err == nil}, err
	}
}

// change calls do once: it may have had its effect although the connection is lost.
func change(ctx context.Context, s *Server, a at, do func(*aimx.Client) (json.RawMessage, error)) (raw json.RawMessage, err error) {
	t, err := s.target(a)
	if err != nil {
		return nil, err
	}
	sent := false
	_, err = s.once(ctx, t, false, func(c *aimx.Client) (err error) {
		sent = true
		raw, err = do(c)
		return err
	})
	if lost := (*aimx.ConnectionError)(nil); sent && errors.As(err, &lost) {
		err = fmt.Errorf("%w; whether it was done is not known: get_record shows it", err)
	}
	return raw, err
}
