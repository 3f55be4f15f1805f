package gateway_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/aimdb-go/aimdb/aimx"
	"github.com/aimdb-go/aimdb/aimx/gateway"
	"github.com/aimdb-go/aimdb/history"
	"github.com/aimdb-go/aimdb/loss"
	"github.com/aimdb-go/aimdb/records"
)

// fakeLetters are dead letters of which those with an odd ID can be stored.
type fakeLetters struct{ all []history.DeadLetter }

func (f *fakeLetters) DeadLetters(context.Context) iter.Seq2[history.DeadLetter, error] {
	return func(yield func(history.DeadLetter, error) bool) {
		for _, l := range f.all {
			if !yield(l, nil) {
				return
			}
		}
	}
}

func (f *fakeLetters) RetryDeadLetter(_ context.Context, id int64) error {
	if id%2 == 0 {
		return errors.New("it is even")
	}
	f.all = slices.DeleteFunc(f.all, func(l history.DeadLetter) bool { return l.ID == id })
	return nil
}

func (f *fakeLetters) DropDeadLetter(context.Context, int64) error {
	return errors.New("not asked for")
}

// lossesFor yields one loss of each record.
func lossesFor(records ...string) func(context.Context) iter.Seq2[loss.Loss, error] {
	return func(context.Context) iter.Seq2[loss.Loss, error] {
		return func(yield func(loss.Loss, error) bool) {
			for i, r := range records {
				if !yield(loss.Loss{Record: r, Cause: loss.SinkRefused, Count: 2, From: uint64(i)}, nil) {
					return
				}
			}
		}
	}
}

// attended gives a server everything that operators ask.
func attended(c *gateway.Config) {
	letters := &fakeLetters{}
	for i, r := range []string{"attic.co2", "accuracy::vienna", "attic.door"} {
		letters.all = append(letters.all, history.DeadLetter{ID: int64(i + 1), Record: r, Value: []byte("\xff"), Reason: "no"})
	}
	letters.all = append(letters.all, history.DeadLetter{ID: 4, Record: "cellar.safe", Value: fmt.Append(nil, secret)})
	c.Upkeep = gateway.Upkeep{
		State: func(context.Context) (aimx.DatabaseState, error) {
			return aimx.DatabaseState{Sinks: []aimx.SinkState{}, Log: aimx.LogState{State: "ok"}}, nil
		},
		Ledgers: func() []gateway.Ledger {
			return []gateway.Ledger{
				{Sink: "sqlite", Losses: lossesFor("attic.co2", "", "accuracy::vienna"), Letters: letters},
				{Sink: "ndjson", Losses: lossesFor("attic.door")},
			}
		},
		Usage: func(context.Context) (aimx.Usage, error) {
			records := []history.RecordStats{{Record: "attic.co2", Rows: 1, Bytes: 10}, {Record: "accuracy::vienna", Rows: 2, Bytes: 30}, {Record: "attic.door", Rows: 3, Bytes: 20}}
			return aimx.Usage{Records: records, Pruned: []aimx.Pruned{{Pattern: "accuracy.*", Rows: 1}, {Pattern: "attic.*", Rows: 2}, {Rows: 4}}}, nil
		},
		Retention: func(context.Context) (aimx.Retention, error) {
			return aimx.Retention{RetentionLimits: aimx.RetentionLimits{Policies: []aimx.RetentionPolicy{{Pattern: "accuracy.*", MaxRows: 2}}}}, nil
		},
		TryRetention: func(_ context.Context, l *aimx.RetentionLimits) (history.PruneReport, error) {
			report := history.PruneReport{Rows: 7, Records: []history.PrunedRecord{{Record: "accuracy::vienna", Rows: 1}, {Record: "cellar::safe", Rows: 1}}}
			if l != nil {
				report.Rows = l.HistoryBytes
			}
			return report, nil
		},
	}
}

func TestLossesComeInPages(t *testing.T) {
	h := open(t, attended)
	for _, endpoint := range []string{h.socket, h.webSocket()} {
		c := dial(t, endpoint)
		var got []string
		for cursor, pages := "", 0; pages == 0 || cursor != ""; pages++ {
			page, err := c.Losses(soon(t), 2, cursor)
			if err != nil {
				t.Fatal(err)
			}
			if len(page.Losses) > 2 || (pages == 0) != (len(page.Causes) == 2) {
				t.Errorf("page %d: %+v", pages, page)
			}
			for _, l := range page.Losses {
				got = append(got, l.Sink+" "+l.Record)
			}
			cursor = page.Next
		}
		if want := []string{"sqlite attic.co2", "sqlite ", "sqlite accuracy::vienna", "ndjson attic.door"}; !slices.Equal(got, want) {
			t.Errorf("got %q", got)
		}
	}
}

func TestLossesOfRecords(t *testing.T) {
	h := open(t, attended)
	f := h.registry.NewFeed(records.LogReader, h.registry.Records())
	defer f.Close()
	for range 10 {
		h.logged.Produce(reading{})
	}
	f.TryTake(make([]records.Item, 10))
	page, err := dial(t, h.socket).Losses(soon(t), 0, "")
	if want := []aimx.RecordLoss{{Record: "accuracy::vienna", Cause: loss.RingOverrun, Count: 6}}; err != nil || !reflect.DeepEqual(page.Records, want) {
		t.Errorf("%+v, %v", page.Records, err)
	}
}

func TestDeadLettersAreRetried(t *testing.T) {
	h := open(t, attended)
	c := dial(t, h.socket)
	page, err := c.DeadLetters(soon(t), 1, "")
	if err != nil || len(page.Letters) != 1 || page.Letters[0].Value != "�" || page.Letters[0].Bytes != 1 || page.Next != "1:sqlite" {
		t.Fatalf("%+v, %v", page, err)
	}
	answer, err := c.RetryDeadLetters(soon(t), "sqlite", 1, 2)
	want := aimx.RetriedLetters{Stored: []int64{1}, Failed: []aimx.FailedLetter{{ID: 2, Reason: "it is even"}}}
	if err != nil || !reflect.DeepEqual(answer, want) {
		t.Errorf("%+v, %v", answer, err)
	}
	// The cursor of before goes on after what was retried.
	if page, err = c.DeadLetters(soon(t), 5, page.Next); err != nil || len(page.Letters) != 2 || page.Letters[0].ID != 2 || page.Next != "" {
		t.Errorf("%+v, %v", page, err)
	}
}

func TestUsageIsLargestFirst(t *testing.T) {
	h := open(t, attended)
	usage, err := dial(t, h.socket).Usage(soon(t), 2)
	if err != nil || len(usage.Records) != 2 || usage.Records[0].Record != "accuracy::vienna" || usage.Records[1].Record != "attic.door" ||
		usage.Others != (aimx.UsageSum{Records: 1, Rows: 1, Bytes: 10}) || usage.ValueBytes != 60 || len(usage.Pruned) != 3 {
		t.Errorf("%+v, %v", usage, err)
	}
}

func TestRetentionIsTried(t *testing.T) {
	h := open(t, attended)
	c := dial(t, h.socket)
	if r, err := c.Retention(soon(t)); err != nil || len(r.Policies) != 1 {
		t.Errorf("%+v, %v", r, err)
	}
	now, err := c.TryRetention(soon(t), nil)
	if err != nil || now.Rows != 7 || len(now.Records) != 1 { // that of the private record is left out
		t.Errorf("%+v, %v", now, err)
	}
	if other, err := c.TryRetention(soon(t), &aimx.RetentionLimits{HistoryBytes: 5}); err != nil || other.Rows != 5 {
		t.Errorf("%+v, %v", other, err)
	}
}

func TestUpkeepIsRefused(t *testing.T) {
	served, bare := open(t, attended), open(t)
	readOnly := open(t, attended, func(c *gateway.Config) { c.ReadOnly = "a copy" })
	for _, c := range []struct {
		h                    *fixture
		method, params, want string
	}{
		{bare, "stats", `null`, "does not answer"},
		{bare, "history.usage", `null`, "does not answer"},
		{bare, "retention.list", `null`, "does not answer"},
		{bare, "retention.try", `null`, "does not answer"},
		{bare, "deadletter.retry", `{"sink":"sqlite","ids":[1]}`, "there is no sink"},
		{served, "stats", `{"all":1}`, "unknown field"},
		{served, "loss.list", `{"limit":-1}`, "the limit is -1"},
		{served, "loss.list", `{"cursor":"x"}`, "not of this list"},
		{served, "loss.list", `{"cursor":"-3:sqlite"}`, "not of this list"},
		{served, "loss.list", `{"cursor":"3:sqlite","sink":"ndjson"}`, "not of this list"},
		{served, "loss.list", `{"cursor":"3:gone"}`, "not any more"},
		{served, "loss.list", `{"sink":"gone"}`, "there is no sink"},
		{served, "deadletter.list", `{"limit":1.5}`, "cannot be read"},
		{served, "deadletter.retry", `{"sink":"sqlite"}`, "from 1 to 1000 ids, and has 0"},
		{served, "deadletter.retry", `{"sink":"ndjson","ids":[1]}`, "keeps no dead letters"},
		{served, "deadletter.retry", `{"sink":"sqlite","ids":["1"]}`, "cannot be read"},
		{readOnly, "deadletter.retry", `{"sink":"sqlite","ids":[1]}`, "a copy"},
		{served, "history.usage", `{"limit":-1}`, "the limit is -1"},
		{served, "retention.list", `{"x":1}`, "unknown field"},
		{served, "retention.try", `{"policies":[{"max_days":1}]}`, "unknown field"},
		{served, "retention.try", `{"policies":{}}`, "cannot be read"},
	} {
		p := c.h.linePeer(t)
		p.send(t, fmt.Sprintf(`{"t":"req","id":5,"method":%q,"params":%s}`, c.method, c.params))
		if got := p.next(t); !strings.Contains(got, `"err":`) || !strings.Contains(got, c.want) {
			t.Errorf("%s %s: %s", c.method, c.params, got)
		}
	}
}
