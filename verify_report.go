package aimdb

import (
	"maps"
	"slices"

	"github.com/aimdb-go/aimdb/aimx"
	"github.com/aimdb-go/aimdb/bus"
	"github.com/aimdb-go/aimdb/history"
	"github.com/aimdb-go/aimdb/loss"
)

// maxFindings bounds each list of a Verification.
const maxFindings = 1000

// verifyReport collects a Verification.
type verifyReport struct {
	Verification
	records map[string]*aimx.VerifiedRecord
}

func newVerifyReport(name string) *verifyReport {
	return &verifyReport{records: map[string]*aimx.VerifiedRecord{}, Verification: Verification{
		Database: name, Records: []aimx.VerifiedRecord{}, Unknown: []aimx.Finding{}, Known: []aimx.Finding{}, Notes: []string{},
	}}
}

func (r *verifyReport) record(name string) *aimx.VerifiedRecord {
	one := r.records[name]
	if one == nil {
		one = &aimx.VerifiedRecord{Record: name}
		r.records[name] = one
	}
	return one
}

func (r *verifyReport) addHistory(v history.Verification) {
	r.Checkpoint = v.Position
	for _, one := range v.Records {
		to := r.record(one.Record)
		to.Rows, to.Unchecked = one.Rows, one.Unchecked
	}
	for _, d := range v.Damaged {
		l := loss.Loss{Record: d.Record, Cause: loss.HistoryDamaged, Count: uint64(d.To - d.From + 1), From: uint64(d.From), To: uint64(d.To)}
		r.addUnknown("history", l, rowsText(d))
	}
	for _, h := range v.Holes {
		l := loss.Loss{Record: h.Record, Count: h.To - h.From + 1, From: h.From, To: h.To, Run: h.Run, LastTime: h.Time}
		r.addUnknown("history", l, holeText(h))
	}
	for _, problem := range v.Problems {
		r.addUnknown("history", loss.Loss{}, problem)
	}
}

func (r *verifyReport) addLog(v bus.LogVerification) {
	r.LogFirst, r.LogLast, r.LogMark = v.First, v.Last, v.Mark.Sequence
	for name, n := range v.Waiting {
		r.record(name).Waiting = n
	}
	for _, f := range v.Missing {
		r.addUnknown("log", f.Loss, lossText(f.Loss)+" The history counts it when the database has started and read on.")
	}
	for _, problem := range v.Problems {
		r.addUnknown("log", loss.Loss{}, problem)
	}
	for _, f := range v.Announced {
		text := lossText(f.Loss)
		if v.Copied && f.Cause == loss.LogMissing {
			text = copyText(r.Checkpoint)
		}
		r.addKnown("log", f.Loss, text)
	}
	if v.LeftOut > 0 && len(v.Missing) > 0 {
		r.UnknownLeftOut += v.LeftOut
	} else {
		r.KnownLeftOut += v.LeftOut
	}
	r.Notes = append(r.Notes, v.Notes...)
}

func (r *verifyReport) addUnknown(where string, l loss.Loss, text string) {
	if l.Record != "" {
		r.record(l.Record).Missing += l.Count
	}
	if len(r.Unknown) == maxFindings {
		r.UnknownLeftOut++
		return
	}
	r.Unknown = append(r.Unknown, aimx.Finding{Loss: l, Where: where, Text: text})
}

func (r *verifyReport) addKnown(where string, l loss.Loss, text string) {
	if l.Record != "" {
		one := r.record(l.Record)
		if one.Lost == nil {
			one.Lost = map[loss.Cause]uint64{}
		}
		one.Lost[l.Cause] += l.Count
	}
	if len(r.Known) == maxFindings {
		r.KnownLeftOut++
		return
	}
	r.Known = append(r.Known, aimx.Finding{Loss: l, Where: where, Text: text})
}

// conclude returns the verification with its verdict.
func (r *verifyReport) conclude() Verification {
	for _, name := range slices.Sorted(maps.Keys(r.records)) {
		r.Records = append(r.Records, *r.records[name])
	}
	switch {
	case len(r.Unknown) > 0:
		r.Verdict = aimx.UnknownLoss
	case r.Unverified != "":
		r.Verdict = aimx.Unverified
	case len(r.Known) > 0:
		r.Verdict = aimx.LossesKnown
	default:
		r.Verdict = aimx.Complete
	}
	return r.Verification
}
