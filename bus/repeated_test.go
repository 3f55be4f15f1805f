package bus

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/aimdb-go/aimdb/history"
	"github.com/aimdb-go/aimdb/internal/counted"
	"github.com/aimdb-go/aimdb/key"
	"github.com/aimdb-go/aimdb/loss"
)

// put puts a message into the log that a run of the process could have sent: "a 5.2" is
// value 2 of record a in the run 5, "a 5.4 lost 2" says that 3 and 4 are lost.
func put(t *testing.T, b testBus, text string) {
	t.Helper()
	record, rest, _ := strings.Cut(text, " ")
	var run, number, lost int
	if n, err := fmt.Sscanf(rest, "%d.%d lost %d", &run, &number, &lost); n < 2 {
		t.Fatal(text, err)
	}
	kind, data := privateKind, []byte(fmt.Sprint(number))
	if lost > 0 {
		kind = lossKind
		var err error
		if data, err = json.Marshal(loss.Loss{Record: record, Cause: loss.RingOverrun, Count: uint64(lost)}); err != nil {
			t.Fatal(err)
		}
	}
	m := nats.NewMsg(b.subjects.of(kind, []string{record}))
	m.Data = data
	m.Header.Set(KeyHeader, record)
	m.Header.Set(TimeHeader, "1700000000000")
	m.Header.Set(NumberHeader, fmt.Sprintf("%d.%d.%d", run, number, len(data)))
	if _, err := b.js.PublishMsg(deadline(t), m); err != nil {
		t.Fatal(err)
	}
}

// text writes a message as put reads it.
func text(m *Message) string {
	if m.Loss != nil {
		return fmt.Sprintf("%s %d.%d lost %d", m.Record, m.Run, m.Number, m.Loss.Count)
	}
	return fmt.Sprintf("%s %d.%d", m.Record, m.Run, m.Number)
}

// A message that is in the log twice is read once, by sinks and followers.
func TestRepeatedMessages(t *testing.T) {
	for name, c := range map[string]struct {
		log, want []string
		after     uint64
		repeated  int
	}{
		"between those that are sent again": {
			log: []string{"a 0.1", "a 0.2", "c 0.1", "a 0.2", "c 0.1", "a 0.3"}, want: []string{"a 0.1", "a 0.2", "c 0.1", "a 0.3"}, repeated: 2,
		},
		"a loss": {
			log: []string{"a 0.1", "a 0.3 lost 2", "a 0.3 lost 2", "a 0.4"}, want: []string{"a 0.1", "a 0.3 lost 2", "a 0.4"}, repeated: 1,
		},
		"a later run begins with 1": {
			log: []string{"a 0.1", "a 0.2", "a 2.1", "a 2.2"}, want: []string{"a 0.1", "a 0.2", "a 2.1", "a 2.2"},
		},
		"the end of a run after the next one has begun": {
			log: []string{"a 0.1", "a 1.1", "a 0.2", "a 1.2"}, want: []string{"a 0.1", "a 1.1", "a 0.2", "a 1.2"},
		},
		"after the start of reading": {
			log: []string{"a 0.1", "a 0.2", "a 0.3", "a 0.2", "a 0.4"}, want: []string{"a 0.3", "a 0.4"}, after: 2, repeated: 1,
		},
		"a repetition of what came before the start of reading is not noticed": {
			log: []string{"a 0.1", "a 0.2", "a 0.2", "a 0.3"}, want: []string{"a 0.2", "a 0.3"}, after: 2,
		},
	} {
		t.Run(name, func(t *testing.T) {
			b := open(t, setup{})
			for _, m := range c.log {
				put(t, b, m)
			}
			b.setEnd(uint64(len(c.log)))
			from := history.Position{Log: b.Identity(), Sequence: c.after}
			if got, at := consumed(t, b, from, uint64(len(c.log))); !slices.Equal(got, c.want) || at != uint64(len(c.log)) {
				t.Errorf("a sink reads %q up to %d", got, at)
			}
			values := slices.DeleteFunc(slices.Clone(c.want), func(m string) bool { return strings.Contains(m, "lost") })
			if got := followed(t, b, c.after, len(values)); !slices.Equal(got, values) {
				t.Errorf("a follower reads %q", got)
			}
			v, err := b.Verify(deadline(t), from)
			if err != nil || len(v.Missing)+len(v.Problems) > 0 {
				t.Errorf("%+v, %v", v, err)
			}
			waiting := 0
			for _, n := range v.Waiting {
				waiting += int(n)
			}
			if waiting+len(v.Announced) != len(c.want) || strings.Contains(fmt.Sprint(v.Notes), "The log holds "+counted.Of(c.repeated, "message")+" twice") != (c.repeated > 0) {
				t.Errorf("%+v", v)
			}
		})
	}
}

// consumed returns what a sink reads of the log up to a sequence.
func consumed(t *testing.T, b testBus, from history.Position, last uint64) (got []string, at uint64) {
	t.Helper()
	c, err := b.Consumer(deadline(t), "sink", from)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	for dst := make([]Message, 8); at < last; {
		n, err := c.Next(deadline(t), dst, 1<<20, time.Time{})
		if err != nil {
			t.Fatal(err)
		}
		for i := range dst[:n] {
			at = dst[i].Sequence
			if !dst[i].Marker {
				got = append(got, text(&dst[i]))
			}
		}
	}
	return got, at
}

// followed returns the first n values that a follower reads. It gets losses with the value
// after them.
func followed(t *testing.T, b testBus, after uint64, n int) (got []string) {
	t.Helper()
	pattern, err := key.ParsePattern("#")
	if err != nil {
		t.Fatal(err)
	}
	for m, err := range b.Follow(deadline(t), pattern, after) {
		if err != nil {
			t.Fatal(err)
		}
		if got = append(got, text(&m)); len(got) == n {
			break
		}
	}
	return got
}
