package serve

import (
	"bytes"
	"encoding/json"
	"reflect"
)

// JSONSchema returns the JSON Schema of a file of settings, for editors.
func JSONSchema() []byte {
	s := object(reflect.TypeFor[Config](), "")
	s["$schema"] = "https://json-schema.org/draft/2020-12/schema"
	s["title"] = "Settings of aimdb serve"
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	_ = e.Encode(s) // maps of texts can be encoded
	return b.Bytes()
}

// object describes a group of settings.
func object(t reflect.Type, path string) map[string]any {
	properties := map[string]any{}
	for _, f := range fieldsOf(t) {
		full := join(path, f.name)
		properties[f.name] = described(schemaOf(f.name, full, f.typ), full)
		if isSecret(f.name, f.typ) {
			properties[f.name+"_file"] = map[string]any{"type": "string", "description": "Path of a file with one line, which is " + f.name + "."}
		}
	}
	return map[string]any{"type": "object", "additionalProperties": false, "properties": properties}
}

func described(s map[string]any, path string) map[string]any {
	if text := descriptionOf(path); text != "" {
		s["description"] = text
	}
	if example := exampleOf(path); example != nil {
		s["examples"] = []json.RawMessage{example}
	}
	return s
}

func schemaOf(name, path string, t reflect.Type) map[string]any {
	switch {
	case isRaw(t):
		return map[string]any{"type": []string{"object", "string", "boolean"}}
	case isSpan(t):
		return map[string]any{"anyOf": []any{
			map[string]any{"type": "string", "pattern": `^[0-9]+d([0-9.]+[a-zµ]+)*$|^([0-9.]+[a-zµ]+)+$|^0$`, "examples": []string{"90s", "1h30m", "7d"}},
			map[string]any{"const": 0},
		}}
	case isSize(name, t):
		return map[string]any{"anyOf": []any{
			map[string]any{"type": "string", "pattern": `^[0-9]+(\.[0-9]+)?([KMGTkmgt]i?B|B)?$`, "examples": []string{"64MB", "1GiB"}},
			map[string]any{"type": "integer", "minimum": 0},
		}}
	}
	switch t.Kind() {
	case reflect.Pointer:
		return schemaOf(name, path, t.Elem())
	case reflect.Struct:
		return object(t, path)
	case reflect.Slice:
		return map[string]any{"type": "array", "items": schemaOf(name, path, t.Elem())}
	case reflect.Map:
		return map[string]any{"type": "object", "additionalProperties": map[string]any{"type": "string"}}
	case reflect.String:
		return textOf(path)
	case reflect.Bool:
		return map[string]any{"type": "boolean"}
	}
	return map[string]any{"type": "integer"}
}

func textOf(path string) map[string]any {
	s := map[string]any{"type": "string"}
	if path == "records.buffer" {
		s["enum"] = []string{"latest", "ring", "mailbox"}
	}
	return s
}
