package mcp

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/google/jsonschema-go/jsonschema"
	sdk "github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/aimdb-go/aimdb/aimx"
)

// callTimeout bounds a call of most tools, verifyTimeout one that reads a whole history.
const (
	callTimeout   = time.Minute
	verifyTimeout = 30 * time.Minute
)

// tool is what the assistant is told of a tool.
type tool struct {
	name, title, description string
	// changes says that the tool changes a database, takes that it takes values from it.
	changes, takes bool
	timeout        time.Duration
}

func (t tool) annotations() *sdk.ToolAnnotations {
	closed, destroys := false, t.changes
	return &sdk.ToolAnnotations{
		Title: t.title, ReadOnlyHint: !t.changes && !t.takes, DestructiveHint: &destroys,
		IdempotentHint: !t.takes, OpenWorldHint: &closed,
	}
}

// addTool adds a tool whose arguments are an In and whose answer is an Out. The SDK's own
// AddTool decodes arguments and answers into float64 and encodes them again, which changes
// large integers in values, so this decodes and encodes only once.
func addTool[In, Out any](s *Server, t tool, run func(context.Context, In) (Out, error)) {
	input, output := schemaOf[In](), schemaOf[Out]()
	resolved, err := input.Resolve(nil)
	if err != nil {
		panic(fmt.Sprintf("the schema of %s: %v", t.name, err)) // a programming error
	}
	if t.timeout == 0 {
		t.timeout = callTimeout
	}
	handle := func(ctx context.Context, request *sdk.CallToolRequest) (*sdk.CallToolResult, error) {
		ctx, cancel := context.WithTimeout(ctx, t.timeout)
		defer cancel()
		in, err := decodeArguments[In](t.name, request.Params.Arguments, input, resolved)
		if err != nil {
			return failed(err), nil
		}
		out, err := run(ctx, in)
		if err != nil {
			return failed(s.explain(ctx, t, err)), nil
		}
		return answered(out)
	}
	s.mcp.AddTool(&sdk.Tool{
		Name: t.name, Title: t.title, Description: t.description, Annotations: t.annotations(),
		InputSchema: input, OutputSchema: output,
	}, handle)
}

// schemaOf returns the schema of a type. A json.RawMessage is any JSON.
func schemaOf[T any]() *jsonschema.Schema {
	schema, err := jsonschema.For[T](&jsonschema.ForOptions{TypeSchemas: map[reflect.Type]*jsonschema.Schema{
		reflect.TypeFor[json.RawMessage](): {},
	}})
	if err != nil {
		panic(fmt.Sprintf("the schema of %T: %v", *new(T), err)) // a programming error
	}
	return schema
}

// decodeArguments checks arguments against a schema and decodes them. Null counts as absent
// where an argument is optional.
func decodeArguments[In any](name string, raw json.RawMessage, schema *jsonschema.Schema, resolved *jsonschema.Resolved) (in In, err error) {
	wrong := func(err error) (In, error) {
		return in, fmt.Errorf("the arguments of %s are wrong: %w; it takes %s", name, err, strings.Join(schema.PropertyOrder, ", "))
	}
	members := map[string]json.RawMessage{}
	if len(bytes.TrimSpace(raw)) > 0 {
		if err := json.Unmarshal(raw, &members); err != nil {
			return wrong(err)
		}
	}
	decoded := map[string]any{}
	for member, text := range members {
		if string(text) == "null" && !slices.Contains(schema.Required, member) {
			delete(members, member)
			continue
		}
		var v any
		if err := json.Unmarshal(text, &v); err != nil {
			return wrong(err)
		}
		decoded[member] = v
	}
	if err := resolved.Validate(decoded); err != nil {
		return wrong(err)
	}
	if raw, err = json.Marshal(members); err == nil {
		err = json.Unmarshal(raw, &in)
	}
	if err != nil {
		return wrong(err)
	}
	return in, nil
}

// maxErrorBytes bounds the text of an error, which may quote what a database says.
const maxErrorBytes = 4000

func failed(err error) *sdk.CallToolResult {
	text := err.Error()
	if len(text) > maxErrorBytes {
		text = strings.ToValidUTF8(text[:maxErrorBytes], "") + " (cut)"
	}
	return &sdk.CallToolResult{IsError: true, Content: []sdk.Content{&sdk.TextContent{Text: text}}}
}

// answered returns an answer as structured content, and as text for clients without it.
func answered(out any) (*sdk.CallToolResult, error) {
	text, err := encode(out)
	if err != nil {
		return nil, fmt.Errorf("encode the answer: %w", err)
	}
	return &sdk.CallToolResult{StructuredContent: text, Content: []sdk.Content{&sdk.TextContent{Text: string(text)}}}, nil
}

// encode returns v as JSON, without escapes for HTML.
func encode(v any) (json.RawMessage, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return nil, err
	}
	return bytes.TrimSpace(b.Bytes()), nil
}

// explain adds to an error what the assistant can do.
func (s *Server) explain(ctx context.Context, t tool, err error) error {
	var refusal *aimx.Refusal
	switch {
	case errors.Is(ctx.Err(), context.DeadlineExceeded):
		return fmt.Errorf("%s took longer than %v: %w; ask for a shorter time or fewer records", t.name, t.timeout, err)
	case errors.As(err, &refusal) && refusal.Code == aimx.CodeNotFound && isExtension(refusal.Operation):
		return fmt.Errorf("%w; this database has no history that can be asked that way: use query_latest or get_record", err)
	case errors.As(err, &refusal) && refusal.Code == aimx.CodeNotFound:
		return fmt.Errorf("%w; list_records lists the records, and whether they have a value", err)
	}
	return err
}

// isExtension reports whether an operation is one that servers of upstream do not have.
func isExtension(operation string) bool {
	return strings.HasPrefix(operation, "history.") || strings.HasPrefix(operation, "sink.")
}
