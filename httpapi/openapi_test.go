package httpapi_test

import (
	"encoding/json"
	"net/http"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/google/jsonschema-go/jsonschema"
)

// document is the description, as far as the tests check it.
type document struct {
	OpenAPI string                     `json:"openapi"`
	Paths   map[string]json.RawMessage `json:"paths"`
	Servers []struct {
		URL string `json:"url"`
	} `json:"servers"`
	Components struct {
		Schemas map[string]json.RawMessage `json:"schemas"`
	} `json:"components"`
}

// described returns the description, and a function that returns one of its schemas.
var described = sync.OnceValues(func() (document, func(name string) *jsonschema.Resolved) {
	text, err := os.ReadFile("openapi.json")
	if err != nil {
		panic(err)
	}
	var d document
	if err := json.Unmarshal([]byte(strings.ReplaceAll(string(text), "#/components/schemas/", "#/$defs/")), &d); err != nil {
		panic(err)
	}
	return d, func(name string) *jsonschema.Resolved {
		root, err := json.Marshal(map[string]any{"$ref": "#/$defs/" + name, "$defs": d.Components.Schemas})
		if err != nil {
			panic(err)
		}
		var schema jsonschema.Schema
		if err := json.Unmarshal(root, &schema); err != nil {
			panic(err)
		}
		resolved, err := schema.Resolve(nil)
		if err != nil {
			panic(err)
		}
		return resolved
	}
})

// checkAnswer compares each answer of the tests with the description.
func checkAnswer(t testing.TB, method, path string, r *http.Response, body []byte) {
	t.Helper()
	path, query, _ := strings.Cut(strings.TrimPrefix(path, "/below"), "?")
	checkStatus(t, method, path, r.StatusCode)
	kind, _, _ := strings.Cut(r.Header.Get("Content-Type"), ";")
	name := ""
	switch {
	case len(body) == 0 || kind == "text/plain": // that of the mux
		return
	case r.StatusCode >= 400:
		name = "problem"
		if kind != "application/problem+json" {
			t.Errorf("%s %s: %d is a %s", method, path, r.StatusCode, kind)
		}
	case kind != "application/json":
		return
	case path == "/api/records":
		name = "records"
	case strings.HasPrefix(path, "/api/records/"):
		name = "record"
	case path == "/api/write":
		name = "written"
	case path == "/api/query" && strings.Contains(query, "kind=buckets"):
		name = "buckets"
	case path == "/api/query":
		name = "rows"
	default:
		return
	}
	_, schema := described()
	var value any
	if err := json.Unmarshal(body, &value); err != nil {
		t.Errorf("%s %s: %v in %.200s", method, path, err, body)
	} else if err := schema(name).Validate(value); err != nil {
		t.Errorf("%s %s: the description has another %s: %v; got %.300s", method, path, name, err, body)
	}
}

// checkStatus fails if a status of success is not described. Errors are in default.
func checkStatus(t testing.TB, method, path string, status int) {
	t.Helper()
	if status >= 400 || method == http.MethodOptions {
		return
	}
	if method == http.MethodHead {
		method = http.MethodGet
	}
	switch {
	case strings.HasPrefix(path, "/api/records/"):
		path = "/api/records/{key}"
	case path == "/api/":
		path = "/api"
	}
	d, _ := described()
	var methods map[string]json.RawMessage
	var operation struct{ Responses map[string]json.RawMessage }
	err := json.Unmarshal(d.Paths[path], &methods)
	if err == nil {
		err = json.Unmarshal(methods[strings.ToLower(method)], &operation)
	}
	if err != nil || operation.Responses[strconv.Itoa(status)] == nil {
		t.Errorf("%s %s: %d is not described: %v", method, path, status, err)
	}
}

// The description has all that is served, and nothing else, and each reference leads
// somewhere.
func TestDescription(t *testing.T) {
	f := open(t, t.TempDir(), nil)
	d, schema := described()
	for name := range d.Components.Schemas {
		schema(name)
	}
	verbs := []string{"get", "put", "post", "delete", "patch"}
	for path, item := range d.Paths {
		var methods map[string]json.RawMessage
		if err := json.Unmarshal(item, &methods); err != nil {
			t.Fatal(err)
		}
		for _, verb := range verbs {
			_, described := methods[verb]
			a := f.ask(t, strings.ToUpper(verb), strings.ReplaceAll(path, "{key}", "n::a")+stopped(path), "")
			if served := a.StatusCode != http.StatusMethodNotAllowed; served != described {
				t.Errorf("%s %s: %d, and the description has it: %v", verb, path, a.StatusCode, described)
			}
		}
		checkParameters(t, f, path, item)
	}
	for path, base := range map[string]string{"/api": "/", "/api/": "/", "/below/api": "/below", "/below/api/?": "/below"} {
		var served document
		f.ask(t, "GET", path, "").into(t, &served)
		if served.OpenAPI != "3.1.0" || served.Servers[0].URL != base {
			t.Errorf("%s: %s, servers %v", path, served.OpenAPI, served.Servers)
		}
	}
}

// stopped makes a stream end at once.
func stopped(path string) string {
	if path == "/api/stream" {
		return "?pattern=te*"
	}
	return ""
}

// checkParameters sends each parameter that is described, and one that is not.
func checkParameters(t *testing.T, f *fixture, path string, item json.RawMessage) {
	var operation struct {
		Get *struct {
			Parameters []struct{ Name, In string } `json:"parameters"`
		} `json:"get"`
	}
	if err := json.Unmarshal(item, &operation); err != nil {
		t.Fatal(err)
	}
	if operation.Get == nil {
		return
	}
	var known []string
	for _, p := range operation.Get.Parameters {
		if p.In == "query" {
			known = append(known, p.Name)
		}
	}
	for _, name := range append(slices.Clone(known), "nonsense") {
		a := f.ask(t, "GET", strings.ReplaceAll(path, "{key}", "n::a")+"?"+name+"=te*", "")
		if refused := strings.Contains(a.body, "not known here") || strings.Contains(a.body, "no parameters here"); refused == slices.Contains(known, name) {
			t.Errorf("%s?%s: %s; the description has %v", path, name, a.body, known)
		}
	}
}
