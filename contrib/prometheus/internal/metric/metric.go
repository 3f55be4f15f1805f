package metric

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"

	"github.com/aimdb-go/aimdb/history"
	"github.com/aimdb-go/aimdb/key"
)

// Metric is a number in the values of the records that match a pattern.
type Metric struct {
	// Name is the name of the metric.
	Name string
	// Pattern selects the records, Path leads to the number in their values.
	Pattern key.Pattern
	Path    history.Path
	// Type is "gauge", "counter" or "unknown". Help and Unit may be empty.
	Type       model.MetricType
	Help, Unit string

	labels []label
}

// label is a label whose value is a constant, or a wildcard if that is not 0.
type label struct {
	name, constant string
	wildcard       int
}

// newLabel reads the declaration of a label.
func newLabel(name, value string) (label, error) {
	if !model.LegacyValidation.IsValidLabelName(name) || strings.HasPrefix(name, "__") {
		return label{}, fmt.Errorf("%q is not the name of a label: it is made of letters, digits and '_', begins with no digit and not with \"__\"", name)
	}
	number, dollar := strings.CutPrefix(value, "$")
	if !dollar {
		return label{name: name, constant: value}, nil
	}
	n, err := strconv.ParseUint(number, 10, 8)
	if err != nil || n == 0 {
		return label{}, fmt.Errorf("the label %s is %q; write a constant, or one wildcard as $1", name, value)
	}
	return label{name: name, wildcard: int(n)}, nil
}

// wildcards returns the indexes of the wildcards among the segments of a pattern.
func wildcards(segments []string) (at []int) {
	for i, s := range segments {
		if s == "*" || s == "#" {
			at = append(at, i)
		}
	}
	return at
}

// check returns an error unless the labels and the wildcards of the pattern agree.
func (m *Metric) check() error {
	segments := split(m.Pattern.String())
	count := len(wildcards(segments))
	if many := slices.Index(segments, "#"); many >= 0 && slices.Contains(segments[many+1:], "#") {
		return fmt.Errorf("the pattern %q has several '#'; which segments belong to which is not said; use '*'", m.Pattern)
	}
	used := make([]bool, count+1)
	for _, l := range m.labels {
		if l.wildcard > count {
			return fmt.Errorf("the label %s is $%d, and the pattern %q has %d wildcards", l.name, l.wildcard, m.Pattern, count)
		}
		used[l.wildcard] = true
	}
	for n := 1; n <= count; n++ {
		if !used[n] {
			return fmt.Errorf("wildcard %d of the pattern %q is in no label, so that several records would be one series; add a label with the value $%d", n, m.Pattern, n)
		}
	}
	return nil
}

// Labels returns the labels of the series of a record, and whether the metric has it.
func (m *Metric) Labels(record string) (labels.Labels, bool) {
	if !m.Pattern.Match(record) {
		return labels.EmptyLabels(), false
	}
	pattern := split(m.Pattern.String())
	taken, ok := capture(pattern, split(record))
	if !ok { // it matches when both are split on '.' alone
		taken, ok = capture(strings.Split(m.Pattern.String(), "."), strings.Split(record, "."))
	}
	if !ok {
		return labels.EmptyLabels(), false
	}
	b := labels.NewBuilder(labels.EmptyLabels())
	b.Set(model.MetricNameLabel, m.Name)
	for _, l := range m.labels {
		value := l.constant
		if l.wildcard > 0 {
			value = taken[l.wildcard-1]
		}
		b.Set(l.name, value)
	}
	return b.Labels(), true
}

// capture returns what the wildcards of a pattern take of a key.
func capture(pattern, record []string) (taken []string, ok bool) {
	extra := len(record) - len(pattern) // what '#' takes beside one segment
	at := 0
	for _, segment := range pattern {
		take := 1
		if segment == "#" {
			take += extra
		}
		if take < 0 || at+take > len(record) {
			return nil, false
		}
		text := strings.Join(record[at:at+take], ".")
		switch {
		case segment == "*" || segment == "#":
			taken = append(taken, text)
		case segment != text:
			return nil, false
		}
		at += take
	}
	return taken, at == len(record)
}

// Narrow returns a pattern of the records whose series can match, and false if there are
// none. Series that do not match may remain.
func (m *Metric) Narrow(matchers []*labels.Matcher) (key.Pattern, bool) {
	segments := split(m.Pattern.String())
	at := wildcards(segments)
	narrowed := false
	for _, matcher := range matchers {
		if matcher.Name == model.MetricNameLabel && !matcher.Matches(m.Name) {
			return key.Pattern{}, false
		}
		for _, l := range m.labels {
			if l.name != matcher.Name {
				continue
			}
			if l.wildcard == 0 && !matcher.Matches(l.constant) {
				return key.Pattern{}, false
			}
			if l.wildcard > 0 && matcher.Type == labels.MatchEqual && segments[at[l.wildcard-1]] == "*" && isSegment(matcher.Value) {
				segments[at[l.wildcard-1]], narrowed = matcher.Value, true
			}
		}
	}
	if !narrowed {
		return m.Pattern, true
	}
	return key.WirePattern(strings.Join(segments, ".")), true
}

// isSegment reports whether a text can be one segment of a key.
func isSegment(text string) bool {
	_, err := key.Parse(text)
	return err == nil && len(split(text)) == 1
}

func split(name string) []string { return strings.Split(key.Normalize(name), ".") }
