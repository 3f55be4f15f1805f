package serve

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/aimdb-go/aimdb/internal/docfile"
	"github.com/aimdb-go/aimdb/schema"
)

var update = docfile.Flag()

const document = "../docs/SERVE.md"

// property is a setting in the JSON Schema.
type property struct {
	Description string
	Properties  map[string]property
	Items       *property
}

// TestDocument: the tables of docs/SERVE.md are those of the JSON Schema, with each setting
// and an example of it. go test ./serve -run TestDocument -update writes them.
func TestDocument(t *testing.T) {
	var all property
	if err := json.Unmarshal(JSONSchema(), &all); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(document)
	if err != nil {
		t.Fatal(err)
	}
	want := string(text)
	for name, table := range map[string]string{
		"settings": table(all.Properties, ""),
		"records":  table(all.Properties["records"].Items.Properties, "records."),
		"limits":   limits(all.Properties),
	} {
		begin, end := "<!-- the "+name+", by TestDocument -->\n", "<!-- end of the "+name+" -->"
		before, rest, found := strings.Cut(want, begin)
		_, after, ends := strings.Cut(rest, end)
		if !found || !ends {
			t.Fatalf("%s has no place for the %s", document, name)
		}
		want = before + begin + table + end + after
	}
	docfile.Check(t, update, document, want)
}

// table lists settings by their names.
func table(settings map[string]property, path string) string {
	var b strings.Builder
	b.WriteString("| Setting | What it is | Example |\n|---|---|---|\n")
	for _, name := range slices.Sorted(maps.Keys(settings)) {
		one := settings[name]
		about := one.Description
		inner := one.Properties
		if inner == nil && one.Items != nil && name != "records" {
			inner = one.Items.Properties
		}
		if len(inner) > 0 {
			about += " Settings: `" + strings.Join(slices.Sorted(maps.Keys(inner)), "`, `") + "`."
		}
		example := ""
		if text := examples()[path+name]; text != "" {
			example = "`" + text + "`"
		}
		fmt.Fprintf(&b, "| `%s` | %s | %s |\n", name, strings.ReplaceAll(about, "|", `\|`), example)
	}
	return b.String()
}

// limits lists the settings inside the groups of limits, each with what it is.
func limits(settings map[string]property) string {
	var b strings.Builder
	b.WriteString("| Setting | What it limits |\n|---|---|\n")
	for _, group := range []string{"clients", "mqtt_clients"} {
		inner := settings[group].Properties
		for _, name := range slices.Sorted(maps.Keys(inner)) {
			fmt.Fprintf(&b, "| `%s.%s` | %s |\n", group, name, inner[name].Description)
		}
	}
	return b.String()
}

// TestLimitsAreDescribed: the JSON Schema says what each limit of clients is.
func TestLimitsAreDescribed(t *testing.T) {
	var all property
	if err := json.Unmarshal(JSONSchema(), &all); err != nil {
		t.Fatal(err)
	}
	known := 0
	for _, group := range []string{"clients", "mqtt_clients"} {
		for name, one := range all.Properties[group].Properties {
			known++
			if !strings.Contains(one.Description, "Default ") {
				t.Errorf("%s.%s is described as %q, which says no default", group, name, one.Description)
			}
		}
	}
	if texts := len(limitDescriptions()); texts != known {
		t.Errorf("%d limits are described, and %d are settings", texts, known)
	}
}

// TestExampleValues: each setting has an example, which follows the JSON Schema and can be
// decoded.
func TestExampleValues(t *testing.T) {
	s, err := schema.Compile("of the settings", JSONSchema(), "")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	for _, name := range []string{"gauge.token", "operator.txt"} { // the examples read them
		if err := os.WriteFile(filepath.Join(dir, name), []byte("secret\n"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	all := examples()
	for path := range descriptions() {
		example, ok := all[path]
		if !ok {
			t.Errorf("%s has no example", path)
			continue
		}
		delete(all, path)
		name, inRecord := strings.CutPrefix(path, "records.")
		text := name + ": " + example + "\n"
		if inRecord {
			text = "records:\n  - " + text
		}
		tree, err := parse("example", []byte(text))
		if err != nil {
			t.Errorf("%s: %v", path, err)
			continue
		}
		if err := s.Check(appendJSON(nil, tree)); err != nil {
			t.Errorf("%s: %v", path, err)
		}
		d := &decoder{dir: dir, places: map[string]place{}}
		d.group(tree, "", reflect.ValueOf(&Config{}).Elem())
		for _, err := range d.errs {
			t.Errorf("%s: %v", path, err)
		}
	}
	for path := range all {
		t.Errorf("%s has an example and no description", path)
	}
}

// TestDocumentedFiles: the files of settings in docs/SERVE.md are right.
func TestDocumentedFiles(t *testing.T) {
	text, err := os.ReadFile(document)
	if err != nil {
		t.Fatal(err)
	}
	blocks := strings.Split(string(text), "\n```yaml\n")[1:]
	if len(blocks) < 3 {
		t.Fatalf("there are %d files", len(blocks))
	}
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "gauge.token"), []byte("a-long-random-token\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for i, block := range blocks {
		block, _, _ = strings.Cut(block, "\n```")
		path := filepath.Join(dir, fmt.Sprintf("%d.yaml", i))
		if err := os.WriteFile(path, []byte(block), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := Load(Sources{Path: path}); err != nil {
			t.Errorf("%v in\n%s", err, block)
		}
	}
}
