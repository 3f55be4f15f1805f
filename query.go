package aimdb

import (
	"context"
	"fmt"
	"iter"
	"math"
	"time"

	"github.com/aimdb-go/aimdb/history"
	"github.com/aimdb-go/aimdb/key"
)

// Row is one stored value.
type Row[T any] struct {
	// Record is the key of the record.
	Record string `json:"record"`
	// Time is the time of the write, to the millisecond.
	Time time.Time `json:"time"`
	// Value is the value.
	Value T `json:"value"`
}

// QueryLatest returns the newest limit values of every record that matches the
// pattern: by record name, and newest first within a record. Rows that do not
// decode as T are left out, logged and counted.
func QueryLatest[T any](ctx context.Context, db *DB, pattern string, limit int) ([]Row[T], error) {
	p, err := db.checkQuery(pattern)
	if err != nil {
		return nil, err
	}
	if limit < 1 {
		return nil, fmt.Errorf("aimdb: query %q: a limit of %d asks for nothing; it must be 1 or more", pattern, limit)
	}
	return collect[T](db, db.history().Latest(ctx, history.LatestQuery{Pattern: p, Limit: limit}))
}

// QueryRange returns the values written from start to end, both included, of
// every record that matches the pattern, oldest first. A zero time is an open
// end. Rows that do not decode as T are left out, logged and counted.
func QueryRange[T any](ctx context.Context, db *DB, pattern string, start, end time.Time) ([]Row[T], error) {
	rows, err := RangeRows[T](ctx, db, pattern, start, end)
	if err != nil {
		return nil, err
	}
	var all []Row[T]
	for row, err := range rows {
		if err != nil {
			return nil, err
		}
		all = append(all, row)
	}
	return all, nil
}

// RangeRows is QueryRange for results that are too many to hold: it yields the
// rows one by one. An error ends the sequence.
func RangeRows[T any](ctx context.Context, db *DB, pattern string, start, end time.Time) (iter.Seq2[Row[T], error], error) {
	p, err := db.checkQuery(pattern)
	if err != nil {
		return nil, err
	}
	w, err := window(start, end)
	if err != nil {
		return nil, fmt.Errorf("aimdb: query %q: %w", pattern, err)
	}
	return decode[T](db, db.history().Range(ctx, history.RangeQuery{Pattern: p, Window: w})), nil
}

func (db *DB) checkQuery(pattern string) (key.Pattern, error) {
	switch {
	case db.closed():
		return key.Pattern{}, fmt.Errorf("aimdb: query %q: %w", pattern, ErrClosed)
	case db.config.Backend == nil:
		return key.Pattern{}, ErrNoHistory
	}
	return key.ParsePattern(pattern)
}

func collect[T any](db *DB, rows iter.Seq2[history.Row, error]) ([]Row[T], error) {
	var all []Row[T]
	for row, err := range decode[T](db, rows) {
		if err != nil {
			return nil, err
		}
		all = append(all, row)
	}
	return all, nil
}

// decode turns stored rows into values and leaves out those it cannot.
func decode[T any](db *DB, rows iter.Seq2[history.Row, error]) iter.Seq2[Row[T], error] {
	return func(yield func(Row[T], error) bool) {
		for stored, err := range rows {
			row := Row[T]{Record: stored.Record, Time: time.UnixMilli(stored.Time)}
			if err == nil {
				if stored.Err != nil {
					continue // it is counted
				}
				if failure := unmarshal(stored.Value, &row.Value); failure != nil {
					db.undecoded.add(db.config.Logger, stored, failure)
					continue
				}
			}
			if !yield(row, err) || err != nil {
				return
			}
		}
	}
}

// window makes of two times, both included, what a backend is asked. A zero
// time is an open end.
func window(start, end time.Time) (w history.Window, err error) {
	if w.Start, err = millis("start", start); err != nil {
		return w, err
	}
	if w.End, err = millis("end", end); err != nil {
		return w, err
	}
	if w.Start != nil && w.End != nil && start.After(end) {
		return w, fmt.Errorf("it starts at %v, after its end at %v", start, end)
	}
	return w, nil
}

// millis refuses a time that Unix milliseconds cannot hold, some 292 million
// years from now: it would come out as one on the other side.
func millis(what string, t time.Time) (*int64, error) {
	if t.IsZero() {
		return nil, nil
	}
	if s := t.Unix(); s >= math.MaxInt64/1000 || s <= math.MinInt64/1000 {
		return nil, fmt.Errorf("its %s lies %d seconds from 1970, more than the milliseconds of a history can count; leave it out for an open end", what, s)
	}
	ms := t.UnixMilli()
	return &ms, nil
}
