package mcp

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/aimdb-go/aimdb/key"
)

type schemaArguments struct {
	recordArguments
	Example *bool `json:"include_example,omitempty" jsonschema:"whether the answer has the value that the schema was inferred from; true if it is left out"`
}

type schemaAnswer struct {
	Record   string         `json:"record_name"`
	Schema   map[string]any `json:"schema" jsonschema:"a JSON Schema, inferred from one value"`
	Inferred bool           `json:"inferred" jsonschema:"always true: the database does not declare a schema"`
	At       string         `json:"inferred_at"`
	Metadata recordRow      `json:"metadata"`
	Example  *value         `json:"example,omitempty"`
}

func (s *Server) querySchema(ctx context.Context, in schemaArguments) (schemaAnswer, error) {
	answer := schemaAnswer{Record: in.Record, Inferred: true, At: timeOf(time.Now().UnixMilli())}
	list, err := s.list(ctx, in.at)
	if err != nil {
		return answer, err
	}
	found := false
	for _, r := range list {
		if key.Normalize(r.Key) == key.Normalize(in.Record) {
			answer.Metadata, found = rowOf(r), true
		}
	}
	if !found {
		return answer, fmt.Errorf("there is no record %s; list_records lists them", quote(in.Record))
	}
	raw, err := s.get(ctx, in.recordArguments)
	if err != nil {
		return answer, err
	}
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		return answer, fmt.Errorf("the value of %s is not JSON: %w", quote(in.Record), err)
	}
	answer.Schema = infer(v)
	if text, err := encode(answer.Schema); err == nil && len(text) > s.config.AnswerBytes/2 {
		return answer, fmt.Errorf("the schema of %s has %d bytes, which is too much for an answer; get a part of the value with get_record and path", quote(in.Record), len(text))
	}
	if in.Example == nil || *in.Example {
		example := valueOf(raw, s.config.AnswerBytes/4)
		answer.Example = &example
	}
	return answer, nil
}

// infer returns the JSON Schema of a value as upstream infers it.
func infer(v any) map[string]any {
	switch v := v.(type) {
	case nil:
		return map[string]any{"type": "null"}
	case bool:
		return map[string]any{"type": "boolean"}
	case string:
		return map[string]any{"type": "string"}
	case json.Number:
		if bytes.ContainsAny([]byte(v), ".eE") {
			return map[string]any{"type": "number"}
		}
		return map[string]any{"type": "integer"}
	case []any:
		if len(v) == 0 {
			return map[string]any{"type": "array", "items": map[string]any{}, "description": "an empty array: the type of its elements is unknown"}
		}
		return map[string]any{"type": "array", "items": infer(v[0])}
	case map[string]any:
		properties, required := map[string]any{}, []string{}
		for name, member := range v {
			properties[name] = infer(member)
			required = append(required, name)
		}
		slices.Sort(required)
		return map[string]any{"type": "object", "properties": properties, "required": required}
	}
	return map[string]any{}
}
