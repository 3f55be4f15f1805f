package aimdb

import (
	"fmt"
	"math"
	"time"

	"github.com/aimdb-go/aimdb/history"
)

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
