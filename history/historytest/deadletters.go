package historytest

import (
	"testing"

	"github.com/aimdb-go/aimdb/history"
	"github.com/aimdb-go/aimdb/loss"
	"github.com/aimdb-go/aimdb/sinks"
)

// deadLetters retries and drops values that were refused.
func (x Target) deadLetters(t *testing.T) {
	s := x.open(t)
	letters, keeps := s.(history.DeadLetters)
	if !keeps {
		t.Skip("the store keeps no dead letters that can be retried")
	}
	f := newFeed(s)
	f.write(t, row("a", 10, "1"), row("b", 10, "1"))
	b := f.batch(row("a", 30, "3"))
	for _, e := range []sinks.Entry{
		{Record: "a", Time: 20, Value: []byte("2")}, {Record: "c", Time: 25, Value: []byte(`{"n":1}`)}, {Record: "b", Time: 5, Value: []byte("9")},
	} {
		b.Checkpoint.Sequence++
		e.Sequence = b.Checkpoint.Sequence
		b.Refused = append(b.Refused, sinks.Refusal{Entry: e, Reason: "not today"})
		b.Losses = append(b.Losses, loss.Loss{Record: e.Record, Cause: loss.SinkRefused, Count: 1, From: e.Sequence, To: e.Sequence, FirstTime: e.Time, LastTime: e.Time})
	}
	if err := s.Write(t.Context(), b); err != nil {
		t.Fatal(err)
	}
	f.at, f.have = b.Checkpoint, b.Checkpoint
	all := collect(t, letters.DeadLetters(t.Context()))
	if len(all) != 3 || all[0].Record != "a" || all[0].Sequence != b.Refused[0].Entry.Sequence || all[0].Time != 20 || string(all[0].Value) != "2" || all[0].Reason != "not today" {
		t.Fatalf("dead letters %+v", all)
	}
	if err := letters.RetryDeadLetter(t.Context(), all[0].ID); err != nil {
		t.Fatal(err)
	}
	if err := letters.RetryDeadLetter(t.Context(), all[1].ID); err != nil {
		t.Fatal(err)
	}
	if err := letters.DropDeadLetter(t.Context(), all[2].ID); err != nil {
		t.Fatal(err)
	}
	for _, l := range all {
		if err := letters.RetryDeadLetter(t.Context(), l.ID); err == nil {
			t.Errorf("the dead letter %d was stored although it is gone", l.ID)
		}
		if err := letters.DropDeadLetter(t.Context(), l.ID); err == nil {
			t.Errorf("the dead letter %d was dropped although it is gone", l.ID)
		}
	}
	same(t, collect(t, s.Range(t.Context(), history.RangeQuery{Pattern: pattern(t, "#")})), "a 10 1", "b 10 1", "a 20 2", `c 25 {"n":1}`, "a 30 3")
	same(t, collect(t, s.Latest(t.Context(), history.LatestQuery{Pattern: pattern(t, "a"), Limit: 1})), "a 30 3")
	stats, err := s.Stats(t.Context())
	if err != nil || stats.Rows != 5 || stats.DeadLetters != 0 || stats.Lost != 1 {
		t.Errorf("%d rows, %d dead letters, %d lost, %v; want 5, 0 and the one that was dropped", stats.Rows, stats.DeadLetters, stats.Lost, err)
	}
	f.write(t, row("a", 40, "4")) // the checkpoint has not moved
}
