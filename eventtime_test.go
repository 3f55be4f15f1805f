package aimdb_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/aimdb-go/aimdb"
	"github.com/aimdb-go/aimdb/sinks/memory"
)

// measured is a value with a time of its own.
type measured struct {
	At time.Time `json:"at"`
	N  int       `json:"n"`
	// Years are added to At. encoding/json writes no year after 9999.
	Years int `json:"years"`
}

func (m measured) own() time.Time {
	if m.Years < 0 {
		panic("no time")
	}
	return m.At.AddDate(m.Years, 0, 0)
}

const late = "late::a"

func onDay(day, n int) measured {
	return measured{time.Date(2024, 5, day, 0, 0, 0, 0, time.UTC), n, 0}
}

func registerLate(t *testing.T, db *aimdb.DB, opts ...aimdb.RecordOption) *aimdb.Record[measured] {
	t.Helper()
	r, err := aimdb.Register[measured](db, late, append([]aimdb.RecordOption{aimdb.Ring(10), aimdb.Persist(), aimdb.Remote()}, opts...)...)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// stored returns the numbers of the rows in the order of their times.
func stored(t *testing.T, db *aimdb.DB, start, end time.Time) (all []int) {
	t.Helper()
	rows, err := aimdb.QueryRange[measured](t.Context(), db, late, start, end)
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range rows {
		all = append(all, row.Value.N)
	}
	return all
}

func TestEventTime(t *testing.T) {
	dir := t.TempDir()
	first, last := onDay(1, 0).At, onDay(31, 0).At
	db := open(t, dir)
	r := registerLate(t, db, aimdb.EventTime(measured.own))
	stop := start(t, db)
	now := time.Now()
	for _, v := range []measured{onDay(3, 1), onDay(9, 2), onDay(1, 3), {N: 4}, {time.Date(1950, 1, 1, 0, 0, 0, 0, time.UTC), 5, 0}, {onDay(1, 0).At, 6, 9000}, {onDay(1, 0).At, 8, -1}, onDay(5, 7)} {
		r.Produce(v)
	}
	if err := db.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	equal(t, "rows of May", fmt.Sprint(stored(t, db, first, last)), "[3 1 7 2]")
	equal(t, "rows without a usable time", fmt.Sprint(stored(t, db, now.Add(-time.Minute), now.Add(time.Minute))), "[4 5 6 8]")
	if bad := r.Untyped().Metrics().BadTimes; bad != 3 {
		t.Errorf("%d times are not usable, want 3", bad)
	}
	equal(t, "the row at a day", fmt.Sprint(stored(t, db, onDay(5, 0).At, onDay(5, 0).At)), "[7]")
	stop()

	db = open(t, dir) // what was written last is the value, whatever its time
	r = registerLate(t, db, aimdb.EventTime(measured.own))
	stop = start(t, db)
	if v, _ := r.Latest(); v.N != 7 {
		t.Errorf("after a start the value is %+v", v)
	}
	if wrote := time.UnixMilli(r.Untyped().Metrics().LastWrite); wrote.Before(now.Add(-time.Minute)) {
		t.Errorf("the time of the last write is %v", wrote)
	}
	stop()
}

// A follower gets rows by their own times, and then live values with theirs.
func TestEventTimeFollow(t *testing.T) {
	db := open(t, t.TempDir())
	r := registerLate(t, db, aimdb.EventTime(measured.own))
	defer start(t, db)()
	r.Produce(onDay(9, 1))
	r.Produce(onDay(3, 2))
	if err := db.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	var got []string
	for event, err := range aimdb.Follow[measured](t.Context(), db, late, onDay(2, 0).At) {
		if err != nil {
			t.Fatal(err)
		}
		if event.CaughtUp {
			r.Produce(onDay(1, 3)) // it comes late, and the follower gets it
			r.Produce(onDay(4, 4))
			continue
		}
		if got = append(got, fmt.Sprint(event.Row.Value.N, event.Row.Time.UTC().Day())); len(got) == 4 {
			break
		}
	}
	equal(t, "events", strings.Join(got, ", "), "2 3, 1 9, 3 1, 4 4")
}

// An age does not take rows whose own times are long ago.
func TestEventTimeAndHistoryAge(t *testing.T) {
	db := open(t, t.TempDir(), aimdb.SweepEvery(20*time.Millisecond)) // rows are kept for an hour
	r := registerLate(t, db, aimdb.EventTime(measured.own))
	defer start(t, db)()
	r.Produce(onDay(9, 1))
	if err := db.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	before := time.Now().UnixMilli()
	for swept := int64(0); swept <= before+40; time.Sleep(5 * time.Millisecond) { // two sweeps
		stats, err := db.Stats(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		swept = stats.History.LastPrune
	}
	equal(t, "rows", fmt.Sprint(stored(t, db, onDay(1, 0).At, onDay(31, 0).At)), "[1]")
}

func TestEventTimeIsTurnedOnAndOff(t *testing.T) {
	dir := t.TempDir()
	timed, migrate := aimdb.EventTime(measured.own), aimdb.MigrateAtStart()
	with := func(opts []aimdb.Option, record ...aimdb.RecordOption) (*aimdb.DB, func()) {
		db := open(t, dir, opts...)
		r := registerLate(t, db, record...)
		stop := start(t, db)
		r.Produce(onDay(9, 1))
		r.Produce(onDay(3, 2))
		if err := db.Flush(t.Context()); err != nil {
			t.Fatal(err)
		}
		return db, stop
	}
	refused := func(record ...aimdb.RecordOption) {
		t.Helper()
		db := open(t, dir)
		registerLate(t, db, record...)
		if err := db.Run(t.Context()); !errors.Is(err, aimdb.ErrEventTimes) || !strings.Contains(err.Error(), `"late::a"`) || !strings.Contains(err.Error(), "MigrateAtStart") {
			t.Errorf("Run ended with %v", err)
		}
	}
	_, stop := with(nil)
	stop()
	refused(timed)
	db, stop := with([]aimdb.Option{migrate}, timed)
	equal(t, "rows of May", fmt.Sprint(stored(t, db, onDay(1, 0).At, onDay(31, 0).At)), "[2 2 1 1]")
	stop()
	db, stop = with(nil, timed) // and without the option
	equal(t, "rows of May", fmt.Sprint(stored(t, db, onDay(1, 0).At, onDay(31, 0).At)), "[2 2 2 1 1 1]")
	stop()
	refused()
	db, stop = with([]aimdb.Option{migrate})
	equal(t, "rows of May", fmt.Sprint(stored(t, db, onDay(1, 0).At, onDay(31, 0).At)), "[]")
	if rows := stored(t, db, time.Now().Add(-time.Hour), time.Now().Add(time.Hour)); len(rows) != 8 {
		t.Errorf("the rows of now are %v", rows)
	}
	stop()
}

// A backend that keeps no times of storing gets no such record.
func TestEventTimeNeedsAHistoryThatKeepsIt(t *testing.T) {
	db, err := aimdb.New(aimdb.WithPersistence(plainBackend{memoryBackend{&memory.Sink{}}}, 0))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if _, err := aimdb.Register[measured](db, late, aimdb.Ring(1), aimdb.Persist(), aimdb.EventTime(measured.own)); err == nil || !strings.Contains(err.Error(), "history.EventTimed") {
		t.Errorf("registered with %v", err)
	}
	if _, err := aimdb.Register[measured](db, late, aimdb.Ring(1), aimdb.EventTime(measured.own)); err == nil {
		t.Error("a record that does not persist has event times")
	}
	if _, err := aimdb.Register[measured](db, late, aimdb.Ring(1), aimdb.Persist(), aimdb.EventTime(func(int) time.Time { return time.Time{} })); err == nil {
		t.Error("the event time of another type was taken")
	}
}

// plainBackend shows nothing of a history beyond the least.
type plainBackend struct{ aimdb.Backend }

// TestEventTimeOfARecordAddedLater: a record that is added while the database runs does not
// mix times either.
func TestEventTimeOfARecordAddedLater(t *testing.T) {
	timed := aimdb.EventTime(func(raw json.RawMessage) time.Time {
		var m measured
		if err := json.Unmarshal(raw, &m); err != nil {
			return time.Time{}
		}
		return m.At
	})
	for _, had := range []bool{false, true} {
		dir := t.TempDir()
		db := open(t, dir)
		var opts []aimdb.RecordOption
		if had {
			opts = append(opts, aimdb.EventTime(measured.own))
		}
		r := registerLate(t, db, opts...)
		stop := start(t, db)
		r.Produce(onDay(1, 1))
		if err := db.Flush(t.Context()); err != nil {
			t.Fatal(err)
		}
		stop()

		db = open(t, dir)
		stop = start(t, db)
		same, other := []aimdb.RecordOption{aimdb.Persist()}, []aimdb.RecordOption{aimdb.Persist(), timed}
		if had {
			same, other = other, same
		}
		if _, err := aimdb.AddJSON(db, late, other...); !errors.Is(err, aimdb.ErrEventTimes) {
			t.Errorf("rows with times of their own: %v: a record with other times is added: %v", had, err)
		}
		u, err := aimdb.AddJSON(db, late, same...)
		if err != nil {
			t.Fatal(err)
		}
		if _, _, ok, err := u.Get(); !ok || err != nil {
			t.Errorf("the record has no value: %v", err)
		}
		stop()
	}
}

// TestEventTimeOfDynamicRecords: a record that a start brings back has the value that was
// written last, whatever its time.
func TestEventTimeOfDynamicRecords(t *testing.T) {
	dir := t.TempDir()
	db := open(t, dir)
	r := registerLate(t, db, aimdb.EventTime(measured.own))
	stop := start(t, db)
	r.Produce(onDay(9, 1))
	r.Produce(onDay(1, 2))
	if err := db.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	stop()

	db = open(t, dir, aimdb.Dynamic(9, func(string) ([]aimdb.RecordOption, error) {
		return []aimdb.RecordOption{aimdb.Latest(), aimdb.Persist(), aimdb.Writable(), aimdb.EventTime(func(json.RawMessage) time.Time { return onDay(1, 0).At })}, nil
	}))
	defer start(t, db)()
	u, ok := db.Registry().Lookup(late)
	if !ok {
		t.Fatal("the record is not back")
	}
	value, ms, _, err := u.Get()
	if err != nil || !strings.Contains(string(value), `"n":2`) {
		t.Errorf("the value is %s, %v, want the one with 2", value, err)
	}
	if ms < time.Now().Add(-time.Hour).UnixMilli() {
		t.Errorf("its write time is %v, want that of the write", time.UnixMilli(ms))
	}
}
