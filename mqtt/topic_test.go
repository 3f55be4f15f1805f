package mqtt

import (
	"strings"
	"testing"

	"github.com/aimdb-go/aimdb/key"
)

// FuzzTopic: each key has one topic, which names it and no other; a topic that names a key is
// the one of that key.
func FuzzTopic(f *testing.F) {
	for _, s := range []string{"a.b", "a::b", "a/b.50%.x+y", "ä.β", "a//b", "a/%2E/b", "aimdb/db/set/a", "%2F", "a:::b", "a:.:b", "$SYS", "%"} {
		f.Add(s)
	}
	t := newTopics("db")
	f.Fuzz(func(test *testing.T, s string) {
		if k, err := key.Parse(s); err == nil {
			topic := t.of(k.Segments())
			levels := strings.TrimPrefix(topic, t.records)
			if strings.ContainsAny(levels, "+#\x00") || strings.Count(levels, "/") != len(k.Segments())-1 {
				test.Errorf("%q has the topic %q", s, topic)
			}
			back, err := t.key(t.set + levels)
			if err != nil || key.Normalize(back) != key.Normalize(s) {
				test.Errorf("%q has the topic %q, which names %q, %v", s, topic, back, err)
			}
			if !matches(topic, topic) || !matches("#", topic) || !matches(t.records+"#", topic) {
				test.Errorf("no filter selects %q", topic)
			}
		}
		name, err := t.key(t.set + s)
		if err != nil {
			return
		}
		k, err := key.Parse(name)
		if err != nil {
			test.Fatalf("the topic of %q names %q: %v", s, name, err)
		}
		if again := strings.TrimPrefix(t.of(k.Segments()), t.records); again != s {
			test.Errorf("the topics %q and %q name %q", s, again, name)
		}
	})
}

// TestFilters: filters select topics as MQTT says.
func TestFilters(t *testing.T) {
	for _, c := range []struct {
		filter, topic string
		want          bool
	}{
		{"#", "a/b", true}, {"a/#", "a", true}, {"a/#", "a/b/c", true}, {"a/b/#", "a", false},
		{"+", "a", true}, {"+", "a/b", false}, {"a/+", "a/b", true}, {"a/+", "a", false}, {"a/+", "a/b/c", false},
		{"+/+", "a/b", true}, {"+/b/#", "a/b", true}, {"a", "a/b", false}, {"a/b", "a", false}, {"a/b", "a/b", true},
		{"a/", "a", false}, {"", "a", false}, {"a/+/c", "a/b/c", true}, {"a/+/#", "a", false},
	} {
		if got := matches(c.filter, c.topic); got != c.want {
			t.Errorf("%q selects %q: %v", c.filter, c.topic, got)
		}
	}
}
