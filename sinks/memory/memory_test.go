package memory_test

import (
	"errors"
	"testing"

	"github.com/aimdb-go/aimdb/history/historytest"
	"github.com/aimdb-go/aimdb/loss"
	"github.com/aimdb-go/aimdb/sinks"
	"github.com/aimdb-go/aimdb/sinks/memory"
	"github.com/aimdb-go/aimdb/sinks/sinktest"
)

func TestHistory(t *testing.T) {
	kept := map[string]*memory.Sink{}
	historytest.Run(t, historytest.Target{Open: func(_ testing.TB, dir string) (historytest.Store, func()) {
		if kept[dir] == nil {
			kept[dir] = &memory.Sink{}
		}
		return kept[dir], func() {}
	}})
}

func TestConformance(t *testing.T) {
	poison := sinks.Entry{Record: "test::poison", Time: 1, Value: []byte(`"poison"`)}
	kept := map[string]*memory.Sink{}
	open := func(_ testing.TB, dir string) (sinks.Sink, func()) {
		if kept[dir] == nil {
			kept[dir] = &memory.Sink{Refuse: func(e sinks.Entry) error {
				if e.Record == poison.Record {
					return errors.New("poison")
				}
				return nil
			}}
		}
		return kept[dir], func() {}
	}
	sinktest.Run(t, sinktest.Target{
		Open: open, Shared: open,
		Entries:     func(_ testing.TB, s sinks.Sink) []sinks.Entry { return s.(*memory.Sink).Entries() },
		DeadLetters: func(_ testing.TB, s sinks.Sink) []sinks.Refusal { return s.(*memory.Sink).Refused() },
		Losses:      func(_ testing.TB, s sinks.Sink) []loss.Loss { return s.(*memory.Sink).Losses() },
		Poison:      poison,
	})
}
