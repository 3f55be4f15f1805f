package gateway

import (
	"context"
	"iter"
	"slices"

	"github.com/aimdb-go/aimdb/access"
	"github.com/aimdb-go/aimdb/aimx"
	"github.com/aimdb-go/aimdb/history"
)

// publicHistory is the part of a history that clients may read: it hides the rows
// of private records, and of records that the token of the client does not grant. It is
// for one query.
type publicHistory struct {
	history.Reader
	server *Server
	grants *access.Grants
	// private has the answers of isPrivate so far.
	private map[string]bool
}

// history returns what clients may read of the history.
func (s *session) history() publicHistory {
	return publicHistory{s.server.config.History, s.server, s.grants, make(map[string]bool)}
}

// isPrivate reports whether clients may not read the rows of a record: it is
// registered without Remote, in whatever spelling, or it is not registered and
// Config.RemoteHistory is off, or their token does not grant it.
func (h publicHistory) isPrivate(record string) bool {
	private, known := h.private[record]
	if !known {
		r, registered := h.server.config.Registry.Lookup(record)
		private = registered && !r.Config().Remote || !registered && !h.server.config.RemoteHistory ||
			!h.grants.Reads(record)
		if registered { // another one may be added later
			h.private[record] = private
		}
	}
	return private
}

// Latest implements history.Reader.
func (h publicHistory) Latest(ctx context.Context, q history.LatestQuery) iter.Seq2[history.Row, error] {
	return withoutPrivate(h, h.Reader.Latest(ctx, q), func(r history.Row) string { return r.Record })
}

// Buckets implements history.Reader.
func (h publicHistory) Buckets(ctx context.Context, q history.BucketQuery) iter.Seq2[history.Bucket, error] {
	return withoutPrivate(h, h.Reader.Buckets(ctx, q), func(b history.Bucket) string { return b.Record })
}

func withoutPrivate[T any](h publicHistory, all iter.Seq2[T, error], record func(T) string) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		for one, err := range all {
			if err == nil && h.isPrivate(record(one)) {
				continue
			}
			if !yield(one, err) {
				return
			}
		}
	}
}

// maxPart bounds the rows of one part of a range.
const maxPart = 10_000

// Range implements history.Reader. Private rows do not count as rows of q.Total, so
// it reads the range in parts until there are enough rows. q.MaxID must be set: all
// parts see the same rows.
func (h publicHistory) Range(ctx context.Context, q history.RangeQuery) iter.Seq2[history.Row, error] {
	return func(yield func(history.Row, error) bool) {
		missing := q.Total
		if q.PerRecord > 0 {
			q.Total = 0 // in parts, the limit of a record would hold for each part
		}
		for more := true; more; q.Total = min(2*q.Total, maxPart) {
			read := 0
			for row, err := range h.Reader.Range(ctx, q) {
				read++
				last := row.Point()
				q.After = &last
				if err == nil && h.isPrivate(row.Record) {
					continue
				}
				missing--
				if !yield(row, err) || err != nil || missing == 0 {
					return
				}
			}
			more = q.Total > 0 && read == q.Total
		}
	}
}

// stats returns the statistics of the public part of the history. Sizes and losses
// are those of the whole.
func (h publicHistory) stats(ctx context.Context) (aimx.HistoryStats, error) {
	all, err := h.Reader.Stats(ctx)
	stats := aimx.HistoryStats{Stats: all}
	stats.Records = slices.DeleteFunc(slices.Clone(all.Records), func(r history.RecordStats) bool {
		private := h.isPrivate(r.Record)
		if private {
			stats.PrivateRecords++
			stats.Rows -= r.Rows
		}
		return private
	})
	return stats, err
}
