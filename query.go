package aimdb

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"time"

	"github.com/aimdb-go/aimdb/history"
	"github.com/aimdb-go/aimdb/key"
)

// ErrNoHistory says that a query was asked of a database without a backend.
var ErrNoHistory = errors.New("aimdb: this database keeps no history; give New the option WithPersistence")

// Row is one stored value.
type Row[T any] struct {
	// Record is the key of the record.
	Record string
	// Time is the time of the write, to the millisecond.
	Time time.Time
	// Value is the value.
	Value T
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
	return collect[T](db, db.config.backend.Latest(ctx, history.LatestQuery{Pattern: p, Limit: limit}))
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
	return decode[T](db, db.config.backend.Range(ctx, history.RangeQuery{Pattern: p, Window: w})), nil
}

func (db *DB) checkQuery(pattern string) (key.Pattern, error) {
	if db.config.backend == nil {
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
				if failure := unmarshal(stored.Value, &row.Value); failure != nil {
					db.undecoded.add(db.config.logger, stored, failure)
					continue
				}
			}
			if !yield(row, err) || err != nil {
				return
			}
		}
	}
}
