package serve

import (
	"bytes"
	"errors"
	"fmt"
	"regexp"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"
)

// maxFile is the length of the largest file of settings.
const maxFile = 8 << 20

// jsonNumber is a number as JSON writes it. YAML 1.1 takes 1e3 for text.
const jsonNumber = `^-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?$`

// reader turns YAML into settings.
type reader struct {
	source string
	number *regexp.Regexp
}

// parse returns the settings of a YAML text, an empty group if there are none.
func parse(source string, data []byte) (*node, error) {
	n, err := parseValue(source, data)
	if err != nil {
		return nil, err
	}
	if n.kind == null {
		return &node{at: n.at, kind: group}, nil
	}
	if n.kind != group {
		return nil, fmt.Errorf("%s: settings are NAME: VALUE, and this is %s", n.at, n.kind)
	}
	return n, nil
}

// parseValue returns the one value of a YAML text.
func parseValue(source string, data []byte) (*node, error) {
	if len(data) > maxFile {
		return nil, fmt.Errorf("%s: the settings are longer than %d MiB", source, maxFile>>20)
	}
	r := reader{source, regexp.MustCompile(jsonNumber)}
	file, err := parser.ParseBytes(bytes.TrimPrefix(data, []byte("\ufeff")), 0) // some editors write the mark
	var syntax yaml.Error
	if errors.As(err, &syntax) {
		return nil, r.errorAt(syntax.GetToken(), "%s", syntax.GetMessage())
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", source, err)
	}
	if len(file.Docs) > 1 {
		return nil, r.errorAt(file.Docs[1].Start, "a second document begins; write one")
	}
	if len(file.Docs) == 0 || file.Docs[0].Body == nil {
		return &node{at: place{source: source}}, nil
	}
	return r.node(file.Docs[0].Body)
}

func (r reader) place(t *token.Token) place {
	if t == nil || t.Position == nil {
		return place{source: r.source}
	}
	return place{r.source, t.Position.Line, t.Position.Column}
}

func (r reader) errorAt(t *token.Token, format string, args ...any) error {
	return fmt.Errorf("%s: %w", r.place(t), fmt.Errorf(format, args...))
}

func (r reader) node(n ast.Node) (*node, error) {
	t := n.GetToken()
	at := r.place(t)
	switch n := n.(type) {
	case *ast.NullNode:
		return &node{at: at}, nil
	case *ast.BoolNode:
		return &node{at: at, kind: boolean, text: fmt.Sprint(n.Value)}, nil
	case *ast.IntegerNode, *ast.FloatNode:
		if r.number.MatchString(t.Value) {
			return &node{at: at, kind: number, text: t.Value}, nil
		}
		// 010 is 8 in some versions of YAML and 10 in others.
		return nil, r.errorAt(t, "the number %s is not written as JSON writes numbers; write it in decimal digits, or in quotes if it is text", t.Value)
	case *ast.StringNode:
		k := text
		if t.Type == token.StringType && r.number.MatchString(n.Value) {
			k = number
		}
		return &node{at: at, kind: k, text: n.Value}, nil
	case *ast.LiteralNode:
		return &node{at: at, kind: text, text: n.Value.Value}, nil
	case *ast.SequenceNode:
		return r.sequence(at, n)
	case *ast.MappingNode:
		return r.mapping(at, n)
	case *ast.AnchorNode, *ast.AliasNode:
		return nil, r.errorAt(t, "anchors and aliases are not taken; write the settings out")
	case *ast.TagNode:
		return nil, r.errorAt(t, "tags such as %s are not taken; write the value alone, in quotes if it is text", t.Value)
	}
	return nil, r.errorAt(t, "%s is no value of a setting", t.Value)
}

func (r reader) sequence(at place, s *ast.SequenceNode) (*node, error) {
	n := &node{at: at, kind: list}
	for _, element := range s.Values {
		e, err := r.node(element)
		if err != nil {
			return nil, err
		}
		n.list = append(n.list, e)
	}
	return n, nil
}

func (r reader) mapping(at place, m *ast.MappingNode) (*node, error) {
	n := &node{at: at, kind: group}
	if len(m.Values) > 0 {
		n.at = r.place(m.Values[0].Key.GetToken())
	}
	for _, pair := range m.Values {
		t := pair.Key.GetToken()
		name, ok := pair.Key.(ast.ScalarNode)
		if _, merge := pair.Key.(*ast.MergeKeyNode); !ok || merge {
			return nil, r.errorAt(t, "%s is no name of a setting", t.Value)
		}
		value, err := r.node(pair.Value)
		if err != nil {
			return nil, err
		}
		n.members = append(n.members, member{fmt.Sprint(name.GetValue()), r.place(t), value})
	}
	return n, nil
}
