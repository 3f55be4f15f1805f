package aimdb

import (
	"context"
	"encoding/json"
	"iter"

	"github.com/aimdb-go/aimdb/history"
	"github.com/aimdb-go/aimdb/key"
	"github.com/aimdb-go/aimdb/records"
)

// upgrader is the history as the program reads it: rows of registered records have the
// present shape. A row that cannot have it comes with an error and without a value.
type upgrader struct {
	history.Reader
	db *DB
}

// history returns the reader of the backend.
func (db *DB) history() history.Reader { return upgrader{db.config.Backend, db} }

// Latest implements history.Reader.
func (u upgrader) Latest(ctx context.Context, q history.LatestQuery) iter.Seq2[history.Row, error] {
	return u.rows(u.Reader.Latest(ctx, q))
}

// Range implements history.Reader.
func (u upgrader) Range(ctx context.Context, q history.RangeQuery) iter.Seq2[history.Row, error] {
	return u.rows(u.Reader.Range(ctx, q))
}

func (u upgrader) rows(all iter.Seq2[history.Row, error]) iter.Seq2[history.Row, error] {
	return func(yield func(history.Row, error) bool) {
		up := u.db.newRowUpgrade()
		for row, err := range all {
			if err == nil {
				up.do(&row)
			}
			if !yield(row, err) {
				return
			}
		}
	}
}

// Buckets implements history.Reader. A path can lead elsewhere in an older shape, so the
// rows of a record that has some are upgraded and summarized here. A row that cannot be
// upgraded counts as one without a number.
func (u upgrader) Buckets(ctx context.Context, q history.BucketQuery) iter.Seq2[history.Bucket, error] {
	all := u.Reader.Buckets(ctx, q)
	if q.Validate() != nil {
		return all
	}
	return func(yield func(history.Bucket, error) bool) {
		var name string
		var own bool // the record is summarized here
		for b, err := range all {
			if err == nil && (name != b.Record || name == "") {
				name, own = b.Record, false
				if own, err = u.hasOtherShapes(ctx, name); own && err == nil && !u.yieldBuckets(ctx, name, q, yield) {
					return
				}
			}
			if own && err == nil {
				continue
			}
			if !yield(b, err) || err != nil {
				return
			}
		}
	}
}

// HasEventTimes tells followers whether rows have times of their own.
func (u upgrader) HasEventTimes(ctx context.Context) (bool, error) {
	h, can := u.Reader.(history.EventTimed)
	if !can {
		return false, nil
	}
	return h.HasEventTimes(ctx)
}

// hasOtherShapes reports whether rows of a record may need an upgrade.
func (u upgrader) hasOtherShapes(ctx context.Context, record string) (bool, error) {
	r, registered := u.db.registry.Lookup(record)
	if !registered {
		return false, nil
	}
	shaped, can := u.Reader.(history.Shaped)
	if !can {
		return r.Shape() > 0, nil
	}
	shapes, err := shaped.Shapes(ctx, record)
	for _, one := range shapes {
		if one != r.Shape() {
			return true, err
		}
	}
	return false, err
}

// yieldBuckets yields the buckets of one record, and returns whether the caller wants more.
func (u upgrader) yieldBuckets(ctx context.Context, record string, q history.BucketQuery, yield func(history.Bucket, error) bool) bool {
	path, err := history.ParsePath(q.Path)
	samples := func(yield func(history.Sample, error) bool) {
		for row, failed := range u.Range(ctx, history.RangeQuery{Pattern: key.WirePattern(record), Window: q.Window}) {
			if row.Record != record && failed == nil && err == nil {
				continue // the same segments in another spelling
			}
			if err != nil {
				failed = err
			}
			if !yield(path.Sample(row.Time, row.Value), failed) || failed != nil {
				return
			}
		}
	}
	for b, err := range history.Summarize(record, q.Width, samples) {
		if !yield(b, err) || err != nil {
			return false
		}
	}
	return true
}

// rowUpgrade upgrades rows one after the other.
type rowUpgrade struct {
	db *DB
	// migrates is false if no record has migrations. name and record are those of the
	// last row, record is nil if it is not registered.
	migrates bool
	name     string
	record   *records.Untyped
}

func (db *DB) newRowUpgrade() *rowUpgrade {
	return &rowUpgrade{db: db, migrates: db.registry.Migrates()}
}

// do brings a row to the present shape, or sets its error and counts it.
func (up *rowUpgrade) do(row *history.Row) {
	if !up.migrates && row.Shape == 0 {
		return
	}
	r := up.of(row.Record)
	if r == nil || r.Shape() == row.Shape {
		return
	}
	value, err := r.Upgrade(row.Shape, row.Value)
	if err != nil {
		up.db.undecoded.add(up.db.config.Logger, *row, err)
		row.Value, row.Err = nil, err
		return
	}
	row.Value, row.Shape = value, r.Shape()
}

// of returns the record with a name, nil if there is none.
func (up *rowUpgrade) of(name string) *records.Untyped {
	if up.name != name || name == "" {
		up.name = name
		up.record, _ = up.db.registry.Lookup(name)
	}
	return up.record
}

// rewriteRow is the upgrade of history.Shaped.Rewrite.
func (up *rowUpgrade) rewriteRow(row history.Row) (json.RawMessage, int, error) {
	r := up.of(row.Record)
	if r == nil || r.Shape() == row.Shape {
		return nil, row.Shape, nil
	}
	value, err := r.Upgrade(row.Shape, row.Value)
	return value, r.Shape(), err
}

// newerShapes returns a row in each shape that is newer than its own, as far as it can be
// upgraded.
func (up *rowUpgrade) newerShapes(row history.Row) (all []history.Row) {
	r := up.of(row.Record)
	if r == nil || row.Shape < 0 {
		return nil
	}
	for shape := row.Shape + 1; shape <= r.Shape(); shape++ {
		value, err := r.UpgradeTo(row.Shape, shape, row.Value)
		if err != nil {
			return all
		}
		row.Value, row.Shape = value, shape
		all = append(all, row)
	}
	return all
}

// otherTimes returns a row of the log with each time that it may be stored under: that of the
// log, its own, and that of its write.
func (up *rowUpgrade) otherTimes(row history.Row) []history.Row {
	written := row.Stored
	row.Stored = 0
	all := []history.Row{row}
	if row.Time != written {
		row.Time = written
		all = append(all, row)
	}
	if r := up.of(row.Record); r != nil && r.EventTimed() {
		if ms, has, err := r.EventTime(row.Value); err == nil && has && ms != all[0].Time {
			row.Time = ms
			all = append(all, row)
		}
	}
	return all
}
