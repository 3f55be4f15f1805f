package schema

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"golang.org/x/text/language"
	"golang.org/x/text/message"
)

// MaxBytes is the length of the largest schema.
const MaxBytes = 1 << 20

// Schema is a compiled JSON Schema.
type Schema struct {
	compiled *jsonschema.Schema
	printer  *message.Printer
}

// Load compiles the schema in a file, whose references are relative to it. They reach no
// file outside of dir, which is the directory of the file if it is empty.
func Load(path, dir string) (*Schema, error) {
	if dir == "" {
		dir = filepath.Dir(path)
	}
	text, err := readAtMost(path)
	if err != nil {
		return nil, fmt.Errorf("read the schema: %w", err)
	}
	return compile(path, text, dir)
}

// Compile compiles the text of a schema. Its references are relative to dir and reach no
// file outside of it; without a dir they reach no file. Errors call the schema name.
func Compile(name string, text json.RawMessage, dir string) (*Schema, error) {
	if len(text) > MaxBytes {
		return nil, fmt.Errorf("schema %s: %w", name, errTooLarge())
	}
	at := ""
	if dir != "" {
		at = filepath.Join(dir, "schema")
	}
	s, err := compileAt(at, text, dir)
	if err != nil {
		return nil, fmt.Errorf("schema %s: %w", name, err)
	}
	return s, nil
}

func compile(path string, text []byte, dir string) (*Schema, error) {
	s, err := compileAt(path, text, dir)
	if err != nil {
		return nil, fmt.Errorf("schema %s: %w", path, err)
	}
	return s, nil
}

// compileAt compiles the text of a schema that counts as the file at a path.
func compileAt(path string, text []byte, dir string) (*Schema, error) {
	doc, err := decode(text)
	if err != nil {
		return nil, err
	}
	l := loader{dir: dir}
	base, err := l.url(path)
	if err != nil {
		return nil, err
	}
	c := jsonschema.NewCompiler()
	c.DefaultDraft(jsonschema.Draft2020)
	c.AssertFormat()
	c.UseLoader(l)
	s := &Schema{printer: message.NewPrinter(language.English)}
	if err := c.AddResource(base, doc); err != nil {
		return nil, err
	}
	if s.compiled, err = c.Compile(base); err != nil {
		return nil, s.explain(err)
	}
	if at := cycle(s.compiled); at != "" {
		return nil, fmt.Errorf("at %s: the reference leads back to itself without going into the value, and no check would end", at)
	}
	return s, nil
}

// decode decodes a schema or a value, with all digits of its numbers.
func decode(text []byte) (any, error) {
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	var syntax *json.SyntaxError
	if errors.As(err, &syntax) {
		line, column := place(text, syntax.Offset)
		return nil, fmt.Errorf("it is not JSON, at line %d, column %d: %w", line, column, err)
	}
	if err != nil {
		return nil, fmt.Errorf("it is not JSON: %w", err)
	}
	if path, number := immense(doc, ""); number != "" {
		return nil, &failure{path, fmt.Sprintf("the exponent of %.40s is beyond %d, and the number cannot be compared", number, maxExponent)}
	}
	return doc, nil
}

// place returns the line and the column after n bytes of a text.
func place(text []byte, n int64) (line, column int) {
	before := text[:max(0, min(n-1, int64(len(text))))]
	return bytes.Count(before, []byte("\n")) + 1, len(before) - bytes.LastIndexByte(before, '\n')
}

func readAtMost(path string) (text []byte, err error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	return readSchema(f)
}

// readSchema reads a file that must not be longer than MaxBytes.
func readSchema(f io.Reader) ([]byte, error) {
	text, err := io.ReadAll(io.LimitReader(f, MaxBytes+1))
	if err == nil && len(text) > MaxBytes {
		err = errTooLarge()
	}
	return text, err
}

func errTooLarge() error {
	return fmt.Errorf("it is longer than %d KiB; move parts that records do not need out of it", MaxBytes>>10)
}
