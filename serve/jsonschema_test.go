package serve

import (
	"encoding/json"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/aimdb-go/aimdb/schema"
)

// TestExamples: the examples and the defaults are right, and follow the JSON Schema.
func TestExamples(t *testing.T) {
	s, err := schema.Compile("of the settings", JSONSchema(), "")
	if err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob("../examples/serve/*.yaml")
	if err != nil || len(files) < 2 {
		t.Fatalf("there are the examples %v, %v", files, err)
	}
	for _, path := range append(files, "default.yaml") {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		tree, err := parse(path, text)
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Check(appendJSON(nil, tree)); err != nil {
			t.Errorf("%s: %v", path, err)
		}
		if _, err := Load(Sources{Path: path}); err != nil {
			t.Errorf("%v", err)
		}
	}
	for _, wrong := range []string{`{"htpp":"x"}`, `{"records":[{"kye":"a"}]}`, `{"history_age":"7 days"}`, `{"log_bytes":"x"}`, `{"durable_log":"yes"}`, `{"records":[{"key":"a","buffer":"queue"}]}`} {
		if s.Check([]byte(wrong)) == nil {
			t.Errorf("%s follows the schema", wrong)
		}
	}
}

// TestDescriptions: each setting is described, and each description is of a setting.
func TestDescriptions(t *testing.T) {
	all := descriptions()
	for _, f := range fieldsOf(reflect.TypeFor[Config]()) {
		if all[f.name] == "" {
			t.Errorf("%s has no description", f.name)
		}
		delete(all, f.name)
	}
	for _, f := range fieldsOf(reflect.TypeFor[Record]()) {
		if all["records."+f.name] == "" {
			t.Errorf("records.%s has no description", f.name)
		}
		delete(all, "records."+f.name)
	}
	for name := range all {
		t.Errorf("%s is described and is no setting", name)
	}
	var root map[string]any
	if err := json.Unmarshal(JSONSchema(), &root); err != nil {
		t.Fatal(err)
	}
	described := 0
	var visit func(path string, s map[string]any)
	visit = func(path string, s map[string]any) {
		if items, ok := s["items"].(map[string]any); ok {
			visit(path, items)
		}
		properties, ok := s["properties"].(map[string]any)
		if ok && s["additionalProperties"] != false {
			t.Errorf("%q takes any setting", path)
		}
		for name, one := range properties {
			inner := one.(map[string]any)
			if described++; inner["description"] == nil {
				t.Errorf("%s.%s has no description", path, name)
			}
			visit(path+"."+name, inner)
		}
	}
	visit("", root)
	if described < 100 {
		t.Errorf("%d settings were visited", described)
	}
	for path := range limitDescriptions() {
		if !slices.ContainsFunc(settingsOf(reflect.TypeFor[Config]()), func(s setting) bool { return strings.Join(s.path, ".") == path }) {
			t.Errorf("%s is described and is no setting", path)
		}
	}
}

// TestVariables: no two settings have the same variable.
func TestVariables(t *testing.T) {
	seen := map[string]string{}
	for _, s := range settingsOf(reflect.TypeFor[Config]()) {
		name := variable(s.path)
		if other := seen[name]; other != "" {
			t.Errorf("%s is both %s and %s", name, other, strings.Join(s.path, "."))
		}
		seen[name] = strings.Join(s.path, ".")
	}
}
