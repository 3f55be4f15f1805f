package mqtt

import (
	"fmt"
	"net/url"
	"strings"

	"github.com/aimdb-go/aimdb/key"
)

// topics are those of one database: values go in below set, and come out below records.
type topics struct{ set, records string }

func newTopics(database string) topics {
	return topics{set: "aimdb/" + database + "/set/", records: "aimdb/" + database + "/records/"}
}

// key returns the key that a topic to publish to names: its levels after the prefix are the
// segments.
func (t topics) key(topic string) (string, error) {
	rest, ok := strings.CutPrefix(topic, t.set)
	if !ok {
		return "", fmt.Errorf("nothing can be published to the topic %q; publish to %s and the segments of a key, one level each", topic, t.set)
	}
	name, err := segments(rest)
	if err != nil {
		return "", fmt.Errorf("the topic %q: %w", topic, err)
	}
	return name, nil
}

// segments joins the levels of a topic to a key.
func segments(levels string) (string, error) {
	var b strings.Builder
	for level := range strings.SplitSeq(levels, "/") {
		segment, err := segmentOf(level)
		if err != nil {
			return "", err
		}
		if b.Len() > 0 {
			b.WriteByte('.')
		}
		b.WriteString(segment)
	}
	k, err := key.Parse(b.String())
	return k.String(), err
}

// segmentOf decodes a level. Each segment has one level only, so that grants and
// subscriptions cannot be evaded with another spelling.
func segmentOf(level string) (string, error) {
	if level == "" {
		return "", fmt.Errorf("it has an empty level; each level is one segment of a key")
	}
	segment, err := url.PathUnescape(level)
	if err != nil {
		return "", fmt.Errorf("the level %q: write %%25 for a '%%'", level)
	}
	if strings.Contains(segment, ".") || strings.Contains(segment, "::") {
		return "", fmt.Errorf("the level %q has a separator of keys in it; write '/' for '.' and '::'", level)
	}
	if want := levelOf(segment); want != level {
		return "", fmt.Errorf("the level %q: write it as %q", level, want)
	}
	return segment, nil
}

// forbiddenInLevels are the characters of a segment that a topic cannot hold, with what
// key.Token does not encode.
var forbiddenInLevels = strings.NewReplacer("/", "%2F", "+", "%2B")

// levelOf encodes a segment of a key as a level of a topic, as key.Token does for NATS.
func levelOf(segment string) string { return forbiddenInLevels.Replace(key.Token(segment)) }

// of returns the topic of the values of a record.
func (t topics) of(segments []string) string {
	var b strings.Builder
	b.WriteString(strings.TrimSuffix(t.records, "/"))
	for _, segment := range segments {
		b.WriteByte('/')
		b.WriteString(levelOf(segment))
	}
	return b.String()
}

// exact returns the key of a filter that has no wildcard and that values can come from.
func (t topics) exact(filter string) (name string, ok bool) {
	rest, ok := strings.CutPrefix(filter, t.records)
	if !ok || strings.ContainsAny(rest, "+#") {
		return "", false
	}
	name, err := segments(rest)
	return name, err == nil
}

// matches reports whether a filter selects a topic that does not begin with '$'.
func matches(filter, topic string) bool {
	for {
		f, filterRest, more := strings.Cut(filter, "/")
		if f == "#" {
			return true
		}
		l, topicRest, levels := strings.Cut(topic, "/")
		if f != l && f != "+" {
			return false
		}
		if !levels {
			return !more || filterRest == "#" // "a/#" selects "a" too
		}
		if !more {
			return false
		}
		filter, topic = filterRest, topicRest
	}
}
