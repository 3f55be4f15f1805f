package httpapi

import (
	"bytes"
	"encoding/json"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

// TestDescriptionIsOpenAPI validates the description with the schema of OpenAPI 3.1.
func TestDescriptionIsOpenAPI(t *testing.T) {
	const name = "testdata/openapi-3.1.schema.json"
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	read := func(text []byte) any {
		v, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	compiler := jsonschema.NewCompiler()
	if err := compiler.AddResource(name, read(text)); err != nil {
		t.Fatal(err)
	}
	official, err := compiler.Compile(name)
	if err != nil {
		t.Fatal(err)
	}
	if err := official.Validate(read(description)); err != nil {
		t.Errorf("%#v", err)
	}
	for from, to := range map[string]string{`"in": "path"`: `"in": "way"`, `"responses"`: `"answers"`, `"operationId"`: `"operation"`} {
		if official.Validate(read(bytes.ReplaceAll(description, []byte(from), []byte(to)))) == nil {
			t.Errorf("a description with %s is taken", to)
		}
	}
}

// described is what the description says of a method.
type described struct {
	Parameters []struct{ Name, In string }
	Security   *[]map[string][]string
	Responses  map[string]json.RawMessage
}

// TestDescriptionHasTheRoutes compares the description with the table of routes: paths,
// methods, parameters, which of them need no token, and that errors are problems.
func TestDescriptionHasTheRoutes(t *testing.T) {
	var d struct {
		Paths map[string]map[string]json.RawMessage
	}
	if err := json.Unmarshal(description, &d); err != nil {
		t.Fatal(err)
	}
	routes := (&api{}).table()
	if len(routes) != len(d.Paths) {
		t.Errorf("%d paths are described, and %d served", len(d.Paths), len(routes))
	}
	for _, r := range routes {
		path := r.path
		if strings.HasSuffix(path, "/") {
			path += "{key}"
		}
		item := maps.Clone(d.Paths[path])
		delete(item, "parameters")
		if len(item) != len(r.methods) {
			t.Errorf("%s: %d methods are described, and %d served", path, len(item), len(r.methods))
		}
		for name, m := range r.methods {
			checkMethod(t, name+" "+path, m, item[strings.ToLower(name)])
		}
	}
}

func checkMethod(t *testing.T, name string, m method, text json.RawMessage) {
	t.Helper()
	var d described
	if err := json.Unmarshal(text, &d); err != nil {
		t.Fatalf("%s is not described: %v", name, err)
	}
	var params []string
	for _, p := range d.Parameters {
		if p.In == "query" {
			params = append(params, p.Name)
		}
	}
	served := slices.DeleteFunc(slices.Clone(m.params), func(p string) bool { return p == "token" }) // of a security scheme
	slices.Sort(params)
	slices.Sort(served)
	if !slices.Equal(params, served) {
		t.Errorf("%s: the parameters %v are described, and %v served", name, params, served)
	}
	if open := d.Security != nil && len(*d.Security) == 0; open != m.open {
		t.Errorf("%s: it needs no token: %v by the description, %v in fact", name, open, m.open)
	}
	byQuery := d.Security != nil && slices.ContainsFunc(*d.Security, func(s map[string][]string) bool { return s["query"] != nil })
	if byQuery != slices.Contains(m.params, "token") {
		t.Errorf("%s: a token in the query: %v by the description", name, byQuery)
	}
	if !strings.Contains(string(d.Responses["default"]), "#/components/responses/problem") {
		t.Errorf("%s: its errors are described as %s", name, d.Responses["default"])
	}
}
