package sinktest

import (
	"slices"
	"testing"

	"github.com/aimdb-go/aimdb/history"
	"github.com/aimdb-go/aimdb/loss"
	"github.com/aimdb-go/aimdb/sinks"
)

// value is an entry with a number.
func value(sequence uint64, record string, run, number uint64) sinks.Entry {
	return sinks.Entry{Sequence: sequence, Record: record, Run: run, Number: number, Time: int64(sequence), Value: []byte("1")}
}

// numberStep is a batch with the values at given sequences, or a restart.
type numberStep struct {
	log      string
	values   []sinks.Entry
	refused  []sinks.Entry
	covered  []sinks.Numbers
	losses   []loss.Loss
	at       uint64
	restarts bool
}

func (s numberStep) batch() *sinks.Batch {
	b := &sinks.Batch{Entries: s.values, Losses: s.losses, Covered: s.covered, Checkpoint: history.Position{Log: s.log, Sequence: s.at}}
	if s.log == "" {
		b.Checkpoint.Log = "log"
	}
	for _, e := range s.refused {
		b.Refused = append(b.Refused, sinks.Refusal{Entry: e, Reason: "no"})
	}
	return b
}

func covered(sequence uint64, record string, run, from, to uint64) sinks.Numbers {
	return sinks.Numbers{Sequence: sequence, Record: record, Run: run, From: from, To: to, Time: int64(sequence)}
}

// holes: what a batch skips and nothing counts is a hole.
func (x Target) holes(t *testing.T) {
	if x.Holes == nil {
		t.Skip("the sink does not follow numbers")
	}
	discarded := func(from, to uint64) loss.Loss {
		return loss.Loss{Cause: loss.LogDiscarded, Count: to - from + 1, From: from, To: to}
	}
	values := func(all ...sinks.Entry) []sinks.Entry { return all }
	restart := numberStep{restarts: true}
	for name, c := range map[string]struct {
		steps []numberStep
		want  []history.Hole
	}{
		"none": {steps: []numberStep{
			{values: values(value(1, "a", 0, 1), value(2, "b", 0, 1), value(3, "a", 0, 2)), at: 3}, restart,
			{values: values(value(4, "b", 0, 2), value(5, "a", 0, 3)), at: 5},
			{values: values(value(6, "a", 5, 1), value(7, "b", 5, 1)), at: 7},
		}},
		"the first value of a log comes as it may": {steps: []numberStep{
			{values: values(value(7, "a", 3, 9), value(8, "a", 3, 10)), at: 8},
		}},
		"within a batch, between batches and after a restart": {steps: []numberStep{
			{values: values(value(1, "a", 0, 1), value(2, "b", 0, 1), value(3, "a", 0, 4)), at: 3},
			{values: values(value(4, "b", 0, 3)), at: 4}, restart,
			{values: values(value(5, "a", 0, 6)), at: 5},
		}, want: []history.Hole{
			{Record: "a", From: 2, To: 3, Time: 3}, {Record: "b", From: 2, To: 2, Time: 4}, {Record: "a", From: 5, To: 5, Time: 5},
		}},
		"a later run begins with 1": {steps: []numberStep{
			{values: values(value(1, "a", 0, 1)), at: 1},
			{values: values(value(9, "a", 8, 3), value(10, "a", 8, 4)), at: 10},
		}, want: []history.Hole{{Record: "a", Run: 8, From: 1, To: 2, Time: 9}}},
		"the end of a run after the next one has begun": {steps: []numberStep{
			{values: values(value(1, "a", 0, 1), value(6, "a", 5, 1), value(7, "a", 0, 2), value(8, "a", 5, 2)), at: 8}, restart,
			{values: values(value(9, "a", 0, 4), value(10, "a", 5, 4)), at: 10},
		}, want: []history.Hole{{Record: "a", Run: 5, From: 3, To: 3, Time: 10}}},
		"losses and refusals account for numbers": {steps: []numberStep{
			{values: values(value(1, "a", 0, 1), value(3, "a", 0, 4), value(5, "a", 0, 6)), at: 5,
				covered: []sinks.Numbers{covered(2, "a", 0, 2, 3)}, refused: values(value(4, "a", 0, 5))},
			{refused: values(value(6, "a", 0, 7), value(8, "new", 0, 1)), covered: []sinks.Numbers{covered(7, "a", 0, 8, 9)}, at: 8}, restart,
			{values: values(value(9, "a", 0, 10), value(10, "new", 0, 2)), at: 10},
		}},
		"a loss accounts for its own numbers only": {steps: []numberStep{
			{values: values(value(1, "a", 0, 1)), at: 1},
			{values: values(value(3, "a", 0, 6)), covered: []sinks.Numbers{covered(2, "a", 0, 3, 4)}, at: 3},
		}, want: []history.Hole{{Record: "a", From: 2, To: 2, Time: 2}, {Record: "a", From: 5, To: 5, Time: 3}}},
		"a range that the log lacks explains the next numbers": {steps: []numberStep{
			{values: values(value(1, "a", 0, 1), value(2, "b", 0, 1)), at: 2},
			{values: values(value(3, "a", 0, 2), value(9, "a", 0, 5), value(11, "a", 0, 7)), losses: []loss.Loss{discarded(4, 8)}, at: 11}, restart,
			{values: values(value(12, "b", 0, 4), value(13, "b", 0, 6)), at: 13},
		}, want: []history.Hole{{Record: "a", From: 6, To: 6, Time: 11}, {Record: "b", From: 5, To: 5, Time: 13}}},
		"a range at the end of a batch": {steps: []numberStep{
			{values: values(value(1, "a", 0, 1)), losses: []loss.Loss{discarded(2, 5)}, at: 5},
			{values: values(value(6, "a", 0, 4)), at: 6},
		}},
		"another log, or one that was set back, begins again": {steps: []numberStep{
			{values: values(value(5, "a", 0, 1)), at: 5},
			{log: "other", values: values(value(1, "a", 0, 7)), at: 1},
			{log: "other", at: 0},
			{log: "other", values: values(value(1, "a", 0, 3)), at: 1},
			{log: "other", values: values(value(2, "a", 0, 5)), at: 2},
		}, want: []history.Hole{{Record: "a", From: 4, To: 4, Time: 2}}},
		"what comes again": {steps: []numberStep{
			{values: values(value(1, "a", 0, 1), value(2, "a", 0, 2)), at: 2},
			{values: values(value(1, "a", 0, 1), value(2, "a", 0, 2), value(3, "a", 0, 3)), at: 3},
			{values: values(value(2, "a", 0, 2), value(3, "a", 0, 3)), at: 3},
			{values: values(value(4, "a", 0, 4)), at: 4},
		}},
		"other writers have no numbers": {steps: []numberStep{
			{values: values(value(1, "a", 0, 1), value(2, "a", 0, 0), value(3, "a", 0, 2)), at: 3}, restart,
			{values: values(value(4, "a", 0, 0)), at: 4}, restart,
			{values: values(value(5, "a", 0, 4)), at: 5},
		}, want: []history.Hole{{Record: "a", From: 3, To: 3, Time: 5}}},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			s, stop := x.Open(t, dir)
			for _, step := range c.steps {
				if step.restarts {
					stop()
					s, stop = x.Open(t, dir)
					continue
				}
				write(t, s, step.batch())
			}
			if holes := x.Holes(t, s); !slices.Equal(holes, c.want) {
				t.Errorf("%+v\nwant %+v", holes, c.want)
			}
			stop()
		})
	}
}
