package memory

import (
	"cmp"
	"context"
	"crypto/rand"
	"iter"
	"maps"
	"slices"

	"github.com/aimdb-go/aimdb/history"
)

// record is what there is of one record.
type record struct {
	name string
	rows []history.Row // in the order of their IDs
	all  []stored      // the same
}

// records returns the rows for which match holds, by record. The caller owns
// the slices.
func (s *Sink) records(match func(stored) bool) (all []record) {
	s.mu.Lock()
	rows := s.rows
	s.mu.Unlock()
	found := map[string]record{}
	for _, row := range rows {
		if match(row) {
			r := found[row.Record]
			found[row.Record] = record{row.Record, append(r.rows, row.Row), append(r.all, row)}
		}
	}
	for _, name := range slices.Sorted(maps.Keys(found)) {
		all = append(all, found[name])
	}
	return all
}

func every(stored) bool { return true }

func byTime(a, b history.Row) int {
	return cmp.Or(cmp.Compare(a.Time, b.Time), cmp.Compare(a.ID, b.ID))
}

// Latest implements history.Reader.
func (s *Sink) Latest(ctx context.Context, q history.LatestQuery) iter.Seq2[history.Row, error] {
	return func(yield func(history.Row, error) bool) {
		if err := cmp.Or(q.Validate(), ctx.Err()); err != nil {
			yield(history.Row{}, err)
			return
		}
		for _, r := range s.records(func(row stored) bool { return q.Pattern.Match(row.Record) && q.Window.Contains(row.Time) }) {
			if q.By == history.ByStoring {
				newestStored(r.all)
				for i, row := range r.all {
					if r.rows[i] = row.Row; row.timed {
						r.rows[i].Stored = row.written
					}
				}
			} else {
				slices.SortFunc(r.rows, func(a, b history.Row) int { return byTime(b, a) })
			}
			for _, row := range r.rows[:min(q.Limit, len(r.rows))] {
				if !yield(row, nil) {
					return
				}
			}
		}
	}
}

// Range implements history.Reader.
func (s *Sink) Range(ctx context.Context, q history.RangeQuery) iter.Seq2[history.Row, error] {
	return func(yield func(history.Row, error) bool) {
		if err := cmp.Or(q.Validate(), ctx.Err()); err != nil {
			yield(history.Row{}, err)
			return
		}
		order := byTime
		if q.Descending {
			order = func(a, b history.Row) int { return byTime(b, a) }
		}
		var rows []history.Row
		for _, r := range s.records(func(row stored) bool {
			follows := q.After == nil || order(history.Row{Time: q.After.Time, ID: q.After.ID}, row.Row) < 0
			return follows && q.Pattern.Match(row.Record) && q.Window.Contains(row.Time) && (q.MaxID == 0 || row.ID <= q.MaxID) &&
				(q.StoredSince == nil || row.at() >= *q.StoredSince)
		}) {
			slices.SortFunc(r.rows, order)
			if q.PerRecord > 0 {
				r.rows = r.rows[:min(q.PerRecord, len(r.rows))]
			}
			rows = append(rows, r.rows...)
		}
		slices.SortFunc(rows, order)
		if q.Total > 0 {
			rows = rows[:min(q.Total, len(rows))]
		}
		for _, row := range rows {
			if !yield(row, nil) {
				return
			}
		}
	}
}

// Stats implements history.Reader.
func (s *Sink) Stats(ctx context.Context) (history.Stats, error) {
	st := history.Stats{Records: []history.RecordStats{}}
	for _, r := range s.records(every) {
		slices.SortFunc(r.rows, byTime)
		one := history.RecordStats{Record: r.name, Rows: int64(len(r.rows)), FirstTime: r.rows[0].Time, LastTime: r.rows[len(r.rows)-1].Time}
		for _, row := range r.rows {
			one.Bytes, st.Bytes = one.Bytes+int64(len(row.Value)), st.Bytes+size(row)
		}
		st.Records, st.Rows = append(st.Records, one), st.Rows+one.Rows
	}
	at, err := s.Position(ctx)
	s.mu.Lock()
	defer s.mu.Unlock()
	st.Identity, st.LastPrune, st.DeadLetters = at.Identity, s.lastPrune, int64(len(s.refused))
	for _, l := range s.losses {
		if !l.Share() {
			st.Lost += l.Count
		}
	}
	return st, err
}

// size is about what a row takes.
func size(row history.Row) int64 { return int64(len(row.Record)+len(row.Value)) + 48 }

// Position implements history.Reader.
func (s *Sink) Position(ctx context.Context) (history.Snapshot, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.identity == "" {
		s.identity = rand.Text()
	}
	at := history.Snapshot{Identity: s.identity, Position: s.checkpoint, MaxID: s.lastID}
	if at.MaxID == 0 {
		at.MaxID = -1
	}
	return at, ctx.Err()
}
