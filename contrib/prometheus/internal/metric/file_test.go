package metric_test

import (
	"strings"
	"testing"

	"github.com/prometheus/prometheus/model/labels"

	"github.com/aimdb-go/aimdb/contrib/prometheus/internal/metric"
)

func TestExampleIsRead(t *testing.T) {
	all, err := metric.Read("../../weather.yaml")
	if err != nil || len(all) != 2 || all[0].Name != "weather_actual_celsius" || all[0].Unit != "celsius" || all[1].Type != "gauge" {
		t.Errorf("%+v, %v", all, err)
	}
}

func TestWrongDeclarations(t *testing.T) {
	for name, c := range map[string]struct{ text, want string }{
		"empty":             {"", "declares none"},
		"no metric":         {"metrics: {}", "declares none"},
		"no YAML":           {"metrics: [", "f.yaml"},
		"unknown setting":   {"metrics:\n  a:\n    record: a\n    pathh: b\n", "[4:5] unknown field \"pathh\""},
		"unknown at top":    {"metric:\n  a: {record: a}\n", "[1:1] unknown field \"metric\""},
		"twice":             {"metrics:\n  a: {record: a}\n  a: {record: b}\n", "[3:3]"},
		"second document":   {"metrics: {a: {record: a}}\n---\nmetrics: {}\n", "second document"},
		"no record":         {"metrics:\n  a: {path: b}\n", "\"record\" is missing"},
		"no text":           {"metrics:\n  a: {record: 5}\n", "[2:15] 5 is not a text; put it in quotes"},
		"name":              {"metrics:\n  a-b: {record: a}\n", "f.yaml:2:17: the metric a-b: the name is not one"},
		"pattern":           {"metrics:\n  a: {record: a.b*, labels: {x: $1}}\n", "f.yaml:2:15: the metric a: pattern \"a.b*\""},
		"path":              {"metrics:\n  a: {record: a, path: \"b[x\"}\n", "f.yaml:2:24: the metric a: the JSON path"},
		"type":              {"metrics:\n  a: {record: a, type: histogram}\n", "f.yaml:2:24: the metric a: the type \"histogram\""},
		"label":             {"metrics:\n  a:\n    record: a\n    labels: {1x: b}\n", "f.yaml:4:18: the metric a: \"1x\" is not the name of a label"},
		"reserved label":    {"metrics:\n  a: {record: a, labels: {__name__: b}}\n", "not with \"__\""},
		"no wildcard":       {"metrics:\n  a: {record: a, labels: {x: $1}}\n", "the pattern \"a\" has 0 wildcards"},
		"part of a label":   {"metrics:\n  a: {record: a.*, labels: {x: $1b}}\n", "or one wildcard as $1"},
		"wildcard unused":   {"metrics:\n  a: {record: a.*.*, labels: {x: $2}}\n", "wildcard 1 of the pattern \"a.*.*\" is in no label"},
		"several of many":   {"metrics:\n  a: {record: \"#.a.#\", labels: {x: $1, y: $2}}\n", "has several '#'"},
		"a list for a text": {"metrics:\n  a: {record: [a]}\n", "is not a text"},
	} {
		_, err := metric.Parse("f.yaml", []byte(c.text))
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
	}
}

// one reads a file with one metric.
func one(t *testing.T, text string) *metric.Metric {
	t.Helper()
	all, err := metric.Parse("f.yaml", []byte("metrics:\n  m: "+text))
	if err != nil {
		t.Fatal(err)
	}
	return all[0]
}

func TestLabels(t *testing.T) {
	for _, c := range []struct{ metric, record, want string }{
		{`{record: "weather.*.now", labels: {station: $1, source: hub}}`, "weather.graz.now", `{__name__="m", source="hub", station="graz"}`},
		{`{record: "weather.*.now", labels: {station: $1}}`, "weather::graz::now", `{__name__="m", station="graz"}`},
		{`{record: "weather.*.now", labels: {station: $1}}`, "weather.at::graz.now", `{__name__="m", station="at::graz"}`},
		{`{record: "weather.*.now", labels: {station: $1}}`, "weather.graz.then", ""},
		{`{record: "a.#", labels: {rest: $1}}`, "a.b.c", `{__name__="m", rest="b.c"}`},
		{`{record: "a.#", labels: {rest: $1}}`, "a", `{__name__="m"}`},
		{`{record: "#.*.z", labels: {rest: $1, last: $2}}`, "a.b.c.z", `{__name__="m", last="c", rest="a.b"}`},
		{`{record: "a"}`, "a", `{__name__="m"}`},
		{`{record: "a"}`, "a.b", ""},
	} {
		l, ok := one(t, c.metric).Labels(c.record)
		if ok != (c.want != "") || ok && l.String() != c.want {
			t.Errorf("%s of %s: %s, %v; want %s", c.record, c.metric, l, ok, c.want)
		}
	}
}

func TestNarrow(t *testing.T) {
	m := one(t, `{record: "weather::*.*.now", labels: {station: $1, device: $2, source: hub}}`)
	equal := func(name, value string) *labels.Matcher {
		return labels.MustNewMatcher(labels.MatchEqual, name, value)
	}
	for _, c := range []struct {
		want     string
		matchers []*labels.Matcher
	}{
		{"weather::*.*.now", nil},
		{"weather.graz.*.now", []*labels.Matcher{equal("station", "graz")}},
		{"weather.graz.d1.now", []*labels.Matcher{equal("device", "d1"), equal("__name__", "m"), equal("station", "graz")}},
		{"", []*labels.Matcher{equal("__name__", "n")}},
		{"", []*labels.Matcher{equal("source", "edge")}},
		// No segment is any of these, or it is one only when split on '.' alone.
		{"weather::*.*.now", []*labels.Matcher{equal("station", "#")}},
		{"weather::*.*.now", []*labels.Matcher{equal("station", "a.b")}},
		{"weather::*.*.now", []*labels.Matcher{equal("station", "a::b")}},
		{"weather::*.*.now", []*labels.Matcher{equal("station", "")}},
		{"weather::*.*.now", []*labels.Matcher{labels.MustNewMatcher(labels.MatchNotEqual, "station", "graz")}},
		{"weather::*.*.now", []*labels.Matcher{equal("other", "x")}},
	} {
		p, some := m.Narrow(c.matchers)
		if some != (c.want != "") || some && p.String() != c.want {
			t.Errorf("%v: %s, %v; want %s", c.matchers, p, some, c.want)
		}
	}
}
