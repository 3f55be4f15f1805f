package gateway

import (
	"context"
	"encoding/json"
	"iter"
	"strings"

	"github.com/aimdb-go/aimdb/aimx"
	"github.com/aimdb-go/aimdb/aimx/internal/wire"
	"github.com/aimdb-go/aimdb/history"
)

const (
	// shownBytes bounds the value of one dead letter in a list.
	shownBytes = 1000
	// mostRetried bounds the dead letters of one deadletter.retry.
	mostRetried = 1000
)

// letterList answers deadletter.list.
func (s *session) letterList(params []byte) (historyQuery, *refusal) {
	p, refused := s.parseNotePage(wire.MethodLetterList, params)
	if refused != nil {
		return nil, refused
	}
	all, refused := s.ledgers(p)
	if refused != nil {
		return nil, refused
	}
	return func(ctx context.Context) (json.RawMessage, *refusal) {
		page, h := aimx.LetterPage{Letters: []aimx.DeadLetter{}}, s.history()
		notes := func(l Ledger) iter.Seq2[history.DeadLetter, error] {
			if l.Letters == nil {
				return func(func(history.DeadLetter, error) bool) {}
			}
			return l.Letters.DeadLetters(ctx)
		}
		var err error
		page.Next, err = collect(p, all, notes, func(_ int64, l history.DeadLetter) int64 { return l.ID }, func(sink string, l history.DeadLetter) int {
			if h.isPrivate(l.Record) {
				page.Hidden++
				return 0
			}
			page.Letters = append(page.Letters, listedLetter(sink, l))
			return len(l.Record) + len(l.Reason) + min(len(l.Value), shownBytes)*2 + 200
		})
		if err != nil {
			return nil, s.queryError(ctx, wire.MethodLetterList, "#", err)
		}
		return marshal(page)
	}, nil
}

func listedLetter(sink string, l history.DeadLetter) aimx.DeadLetter {
	text := string(l.Value[:min(len(l.Value), shownBytes)])
	return aimx.DeadLetter{
		Sink: sink, ID: l.ID, Record: l.Record, Sequence: l.Sequence, Time: l.Time, Reason: l.Reason,
		Value: strings.ToValidUTF8(text, "�"), Bytes: len(l.Value),
	}
}

// letterRetry answers deadletter.retry. It goes on after a dead letter that fails.
func (s *session) letterRetry(params []byte) (historyQuery, *refusal) {
	var p wire.RetryParams
	if refused := parseParams(wire.MethodLetterRetry, params, &p); refused != nil {
		return nil, refused
	}
	if refused := s.refuseUnwritten(wire.MethodLetterRetry); refused != nil {
		return nil, refused
	}
	if len(p.IDs) == 0 || len(p.IDs) > mostRetried {
		return nil, refuse(aimx.CodeInternal, "deadletter.retry takes from 1 to %d ids, and has %d", mostRetried, len(p.IDs))
	}
	var all []Ledger
	if list := s.server.config.Upkeep.Ledgers; list != nil {
		all = list()
	}
	l, refused := ledgerOf(all, p.Sink)
	switch {
	case refused != nil:
		return nil, refused
	case l.Letters == nil:
		return nil, refuse(aimx.CodeInternal, "sink %q keeps no dead letters", p.Sink)
	}
	return func(ctx context.Context) (json.RawMessage, *refusal) {
		answer := aimx.RetriedLetters{Stored: []int64{}, Failed: []aimx.FailedLetter{}}
		for _, id := range p.IDs {
			if err := l.Letters.RetryDeadLetter(ctx, id); err != nil {
				answer.Failed = append(answer.Failed, aimx.FailedLetter{ID: id, Reason: err.Error()})
			} else {
				answer.Stored = append(answer.Stored, id)
			}
		}
		s.server.config.Logger.Info("dead letters were retried", "sink", p.Sink, "stored", len(answer.Stored), "failed", len(answer.Failed), "remote", s.remote)
		return marshal(answer)
	}, nil
}
