package gateway

import (
	"context"
	"encoding/json"
	"iter"
	"maps"
	"slices"

	"github.com/aimdb-go/aimdb/aimx"
	"github.com/aimdb-go/aimdb/aimx/internal/wire"
	"github.com/aimdb-go/aimdb/loss"
)

// mostSummed bounds the losses of one ledger that the sums read.
const mostSummed = 100_000

// lossList answers loss.list.
func (s *session) lossList(params []byte) (historyQuery, *refusal) {
	p, refused := s.parseNotePage(wire.MethodLossList, params)
	if refused != nil {
		return nil, refused
	}
	all, refused := s.ledgers(p)
	if refused != nil {
		return nil, refused
	}
	return func(ctx context.Context) (json.RawMessage, *refusal) {
		page := aimx.LossPage{Losses: []aimx.ListedLoss{}}
		if p.from == (noteCursor{}) {
			if err := s.sumLosses(ctx, all, &page); err != nil {
				return nil, s.queryError(ctx, wire.MethodLossList, "#", err)
			}
			if p.sink == "" {
				s.recordLosses(&page)
			}
			p.bytes -= 150 * (len(page.Causes) + len(page.Records))
			p.bytes = max(p.bytes, 1) // a page has at least one loss
		}
		h := s.history()
		notes := func(l Ledger) iter.Seq2[loss.Loss, error] { return lossesOf(ctx, l) }
		var err error
		page.Next, err = collect(p, all, notes, func(n int64, _ loss.Loss) int64 { return n }, func(sink string, one loss.Loss) int {
			if one.Record != "" && h.isPrivate(one.Record) {
				page.Hidden++
				return 0
			}
			page.Losses = append(page.Losses, aimx.ListedLoss{Sink: sink, Loss: one, Share: one.Share()})
			return len(one.Record) + 200
		})
		if err != nil {
			return nil, s.queryError(ctx, wire.MethodLossList, "#", err)
		}
		return marshal(page)
	}, nil
}

func lossesOf(ctx context.Context, l Ledger) iter.Seq2[loss.Loss, error] {
	if l.Losses == nil {
		return func(func(loss.Loss, error) bool) {}
	}
	return l.Losses(ctx)
}

// sumLosses adds up the ledgers by cause. Shares are counted by what they are a part of.
func (s *session) sumLosses(ctx context.Context, all []Ledger, page *aimx.LossPage) error {
	for _, l := range all {
		sums, read := map[loss.Cause]aimx.LossSum{}, 0
		for one, err := range lossesOf(ctx, l) {
			if err != nil {
				return err
			}
			if read++; read > mostSummed {
				page.Partial = true
				break
			}
			sum := sums[one.Cause]
			sum.Entries++
			if !one.Share() {
				sum.Count += one.Count
			}
			sums[one.Cause] = sum
		}
		for _, cause := range slices.Sorted(maps.Keys(sums)) {
			page.Causes = append(page.Causes, aimx.LossSum{Sink: l.Sink, Cause: cause, Count: sums[cause].Count, Entries: sums[cause].Entries})
		}
	}
	return nil
}

// recordLosses lists what the records have counted since the start.
func (s *session) recordLosses(page *aimx.LossPage) {
	for _, h := range s.listed() {
		by := h.Metrics().LostBy
		for _, cause := range slices.Sorted(maps.Keys(by)) {
			if len(page.Records) == mostNotes {
				page.Partial = true
				return
			}
			page.Records = append(page.Records, aimx.RecordLoss{Record: h.Key(), Cause: cause, Count: by[cause]})
		}
	}
}
