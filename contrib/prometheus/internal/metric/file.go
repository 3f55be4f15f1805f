package metric

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/token"
	"github.com/prometheus/common/model"

	"github.com/aimdb-go/aimdb/history"
	"github.com/aimdb-go/aimdb/key"
)

// document is a file of declarations.
type document struct {
	Metrics map[string]declaration `yaml:"metrics"`
}

// declaration is one metric as the file has it.
type declaration struct {
	Record text            `yaml:"record"`
	Path   text            `yaml:"path"`
	Labels map[string]text `yaml:"labels"`
	Type   text            `yaml:"type"`
	Help   text            `yaml:"help"`
	Unit   text            `yaml:"unit"`
}

// text is a string of the file with its place.
type text struct {
	value string
	at    token.Position
}

// UnmarshalYAML implements yaml.NodeUnmarshaler. It takes strings only, so that yes and
// 1e3 do not become something else.
func (t *text) UnmarshalYAML(node ast.Node) error {
	t.at = *node.GetToken().Position
	switch n := node.(type) {
	case *ast.StringNode:
		t.value = n.Value
	case *ast.LiteralNode:
		t.value = n.Value.Value
	default:
		return &yaml.SyntaxError{Message: fmt.Sprintf("%s is not a text; put it in quotes", node), Token: node.GetToken()}
	}
	return nil
}

// Read reads a file of declarations. They come sorted by name.
func Read(path string) ([]*Metric, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read the metrics: %w", err)
	}
	return Parse(path, data)
}

// Parse reads declarations from a file's content. Errors name the file.
func Parse(file string, data []byte) ([]*Metric, error) {
	var d document
	decoder := yaml.NewDecoder(bytes.NewReader(data), yaml.Strict())
	if err := decoder.Decode(&d); err != nil && !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("read the metrics of %s: %w", file, err)
	}
	if err := decoder.Decode(new(any)); !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("read the metrics of %s: there is a second document; write one", file)
	}
	if len(d.Metrics) == 0 {
		return nil, fmt.Errorf("read the metrics of %s: it declares none; write them as members of \"metrics\"", file)
	}
	var all []*Metric
	for _, name := range slices.Sorted(maps.Keys(d.Metrics)) {
		m, err := d.Metrics[name].metric(name)
		if err != nil {
			return nil, fmt.Errorf("%s:%w", file, err)
		}
		all = append(all, m)
	}
	return all, nil
}

// metric checks a declaration. Errors begin with line and column.
func (d declaration) metric(name string) (*Metric, error) {
	fail := func(at token.Position, err error) error {
		if at.Line == 0 {
			at = d.Record.at
		}
		return fmt.Errorf("%d:%d: the metric %s: %w", at.Line, at.Column, name, err)
	}
	m := &Metric{Name: name, Type: model.MetricType(d.Type.value), Help: d.Help.value, Unit: d.Unit.value}
	if !model.LegacyValidation.IsValidMetricName(name) {
		return nil, fail(d.Record.at, errors.New("the name is not one of a metric: it is made of letters, digits, '_' and ':', and begins with no digit"))
	}
	switch m.Type {
	case "":
		m.Type = model.MetricTypeGauge
	case model.MetricTypeGauge, model.MetricTypeCounter, model.MetricTypeUnknown:
	default:
		return nil, fail(d.Type.at, fmt.Errorf("the type %q is not known; write gauge, counter or unknown", m.Type))
	}
	var err error
	if d.Record.value == "" {
		return nil, fail(d.Record.at, errors.New("\"record\" is missing; write the key of a record or a pattern"))
	}
	if m.Pattern, err = key.ParsePattern(d.Record.value); err != nil {
		return nil, fail(d.Record.at, err)
	}
	if m.Path, err = history.ParsePath(d.Path.value); err != nil {
		return nil, fail(d.Path.at, err)
	}
	for _, name := range slices.Sorted(maps.Keys(d.Labels)) {
		l, err := newLabel(name, d.Labels[name].value)
		if err != nil {
			return nil, fail(d.Labels[name].at, err)
		}
		m.labels = append(m.labels, l)
	}
	if err := m.check(); err != nil {
		return nil, fail(d.Record.at, err)
	}
	return m, nil
}
