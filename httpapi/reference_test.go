package httpapi_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/aimdb-go/aimdb/internal/docfile"
)

var update = docfile.Flag()

// operation is what the description says of a method of a path.
type operation struct {
	Summary     string
	Description string
	Parameters  []struct {
		Ref         string `json:"$ref"`
		Name        string
		In          string
		Required    bool
		Description string
	}
	RequestBody struct {
		Description string
		Content     map[string]json.RawMessage
	}
	Responses map[string]struct {
		Description string
		Content     map[string]json.RawMessage
	}
}

// TestReference: docs/reference/http.md says what openapi.json says.
func TestReference(t *testing.T) {
	text, err := os.ReadFile("openapi.json")
	if err != nil {
		t.Fatal(err)
	}
	var all struct {
		Paths      map[string]map[string]json.RawMessage
		Components struct{ Parameters map[string]json.RawMessage }
	}
	if err := json.Unmarshal(text, &all); err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	b.WriteString("# HTTP API\n\nMade from `httpapi/openapi.json` by TestReference of `httpapi`; a server has the description at\n`/api`. Errors are `application/problem+json`. Times in answers are Unix milliseconds.\n")
	for _, path := range slices.Sorted(maps.Keys(all.Paths)) {
		for _, method := range slices.Sorted(maps.Keys(all.Paths[path])) {
			if !slices.Contains([]string{"get", "put", "post", "delete"}, method) {
				continue
			}
			var o operation
			if err := json.Unmarshal(all.Paths[path][method], &o); err != nil {
				t.Fatal(err)
			}
			for i, p := range o.Parameters {
				if p.Ref == "" {
					continue
				}
				name := p.Ref[strings.LastIndex(p.Ref, "/")+1:]
				if err := json.Unmarshal(all.Components.Parameters[name], &o.Parameters[i]); err != nil {
					t.Fatal(err)
				}
			}
			o.write(&b, strings.ToUpper(method)+" "+path)
		}
	}
	docfile.Check(t, update, "../docs/reference/http.md", b.String())
}

func (o operation) write(b *strings.Builder, title string) {
	fmt.Fprintf(b, "\n## %s\n\n%s.", title, strings.TrimSuffix(o.Summary, "."))
	if o.Description != "" {
		fmt.Fprintf(b, " %s", o.Description)
	}
	b.WriteString("\n")
	if len(o.Parameters) > 0 {
		b.WriteString("\n| Parameter | In | What it is |\n|---|---|---|\n")
	}
	for _, p := range o.Parameters {
		fmt.Fprintf(b, "| `%s` | %s | %s |\n", p.Name, p.In, strings.ReplaceAll(p.Description, "|", "\\|"))
	}
	if len(o.RequestBody.Content) > 0 {
		fmt.Fprintf(b, "\nBody: %s. %s\n", kinds(o.RequestBody.Content), o.RequestBody.Description)
	}
	b.WriteString("\n| Status | Answer |\n|---|---|\n")
	for _, status := range slices.Sorted(maps.Keys(o.Responses)) {
		r := o.Responses[status]
		answer := r.Description
		if status == "default" {
			answer = "A problem"
		}
		if len(r.Content) > 0 {
			answer += ": " + kinds(r.Content)
		}
		fmt.Fprintf(b, "| %s | %s |\n", status, answer)
	}
}

func kinds(content map[string]json.RawMessage) string {
	return "`" + strings.Join(slices.Sorted(maps.Keys(content)), "`, `") + "`"
}
