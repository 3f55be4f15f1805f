package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// yamlRows prints a document for each row.
type yamlRows struct {
	w *bufio.Writer
	// plain are the texts that need no quotes, unless they mean something else.
	plain *regexp.Regexp
}

func newYAMLRows(w *bufio.Writer) yamlRows {
	return yamlRows{w, regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_./:()-]*$`)}
}

func (y yamlRows) row(v any, _ func() []any) error {
	line, err := encodeRow(v)
	if err != nil {
		return err
	}
	text := yamlText{b: []byte("---\n"), from: json.NewDecoder(bytes.NewReader(line)), plain: y.plain}
	text.from.UseNumber()
	if err := text.value(0, ""); err != nil {
		return fmt.Errorf("print %.60s as YAML: %w", line, err)
	}
	_, err = y.w.Write(text.b)
	return err
}

func (yamlRows) end() error { return nil }

// yamlText turns JSON into block style. Its numbers keep their digits, which no encoder of
// Go values does.
type yamlText struct {
	b     []byte
	from  *json.Decoder
	plain *regexp.Regexp
}

// value writes the next value and the end of its line. before stands between the key and
// a scalar; it is empty if nothing is on the line but indentation and dashes.
func (y *yamlText) value(indent int, before string) error {
	token, err := y.from.Token()
	if err != nil {
		return err
	}
	delim, nested := token.(json.Delim)
	switch {
	case !nested:
		y.b = append(y.b, before+y.scalar(token)+"\n"...)
		return nil
	case !y.from.More():
		empty := map[json.Delim]string{'{': "{}", '[': "[]"}
		y.b = append(y.b, before+empty[delim]+"\n"...)
	default:
		if err := y.elements(indent, before, delim == '{'); err != nil {
			return err
		}
	}
	_, err = y.from.Token() // the closing one
	return err
}

// elements writes the members of an object or the elements of an array.
func (y *yamlText) elements(indent int, before string, object bool) error {
	if before != "" {
		y.b = append(y.b, '\n')
	}
	for first := true; y.from.More(); first = false {
		if !first || before != "" {
			y.b = append(y.b, strings.Repeat(" ", indent)...)
		}
		between := ""
		if object {
			key, err := y.from.Token()
			if err != nil {
				return err
			}
			y.b = append(y.b, y.scalar(key)+":"...)
			between = " "
		} else {
			y.b = append(y.b, "- "...)
		}
		if err := y.value(indent+2, between); err != nil {
			return err
		}
	}
	return nil
}

func (y *yamlText) scalar(token json.Token) string {
	switch v := token.(type) {
	case nil:
		return "null"
	case json.Number:
		return yamlNumber(v.String())
	case string:
		return y.text(v)
	}
	return fmt.Sprint(token) // a bool
}

// yamlNumber writes an exponent so that YAML 1.1 takes it for a number, too.
func yamlNumber(s string) string {
	digits, exponent, found := strings.Cut(strings.ToLower(s), "e")
	if !found {
		return s
	}
	if !strings.Contains(digits, ".") {
		digits += ".0"
	}
	if !strings.HasPrefix(exponent, "-") {
		exponent = "+" + strings.TrimPrefix(exponent, "+")
	}
	return digits + "e" + exponent
}

// text quotes all but simple words, as JSON does, which YAML reads too.
func (y *yamlText) text(s string) string {
	word := !slices.Contains([]string{"null", "true", "false", "yes", "no", "on", "off", "y", "n"}, strings.ToLower(s))
	if word && y.plain.MatchString(s) && !strings.HasSuffix(s, ":") {
		return s
	}
	quoted, err := encodeRow(s)
	if err != nil {
		return fmt.Sprintf("%q", s) // a string can be encoded
	}
	return escapeControls(string(quoted))
}
