package aimdb_test

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/aimdb-go/aimdb"
)

// Three shapes of one record.
type (
	tempV0 struct {
		Celsius float64 `json:"celsius"`
	}
	tempV1 struct {
		Tenths int    `json:"tenths"`
		City   string `json:"city"`
	}
	tempV2 struct {
		Reading struct {
			Kelvin float64 `json:"kelvin"`
		} `json:"reading"`
		City string `json:"city"`
	}
)

// v0to1 refuses what no thermometer shows.
func v0to1(v tempV0) (tempV1, error) {
	if v.Celsius < -273 {
		return tempV1{}, fmt.Errorf("%g °C is below absolute zero", v.Celsius)
	}
	return tempV1{Tenths: int(v.Celsius * 10), City: "vienna"}, nil
}

func v1to2(v tempV1) (to tempV2, err error) {
	to.Reading.Kelvin, to.City = float64(v.Tenths)/10+273, v.City
	return to, nil
}

const migrated = "temp::vienna"

// asV0, asV1 and asV2 register the record in each shape.
func asV0(t *testing.T, db *aimdb.DB) func(celsius float64) {
	r := register[tempV0](t, db, migrated, aimdb.Ring(100), aimdb.Persist(), aimdb.Writable())
	return func(c float64) { r.Produce(tempV0{c}) }
}

func asV1(t *testing.T, db *aimdb.DB) func(celsius float64) {
	r := register[tempV1](t, db, migrated, aimdb.Ring(100), aimdb.Persist(), aimdb.Writable(), aimdb.Migrate(v0to1))
	return func(c float64) { r.Produce(tempV1{int(c * 10), "vienna"}) }
}

func registerV2(t *testing.T, db *aimdb.DB) *aimdb.Record[tempV2] {
	return register[tempV2](t, db, migrated, aimdb.Ring(100), aimdb.Persist(), aimdb.Writable(), aimdb.Migrate(v0to1), aimdb.Migrate(v1to2))
}

func v2(c float64) (v tempV2) {
	v.Reading.Kelvin, v.City = c+273, "vienna"
	return v
}

func asV2(t *testing.T, db *aimdb.DB) func(celsius float64) {
	r := registerV2(t, db)
	return func(c float64) { r.Produce(v2(c)) }
}

// run writes temperatures with a program of one shape, and ends it.
func writeAs(t *testing.T, dir string, as func(*testing.T, *aimdb.DB) func(float64), values ...float64) {
	t.Helper()
	db := open(t, dir)
	produce := as(t, db)
	stop := start(t, db)
	for _, v := range values {
		produce(v)
	}
	if err := db.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	stop()
}

// kelvins returns what a query has of the record, oldest first.
func kelvins(t *testing.T, db *aimdb.DB) (all []float64) {
	t.Helper()
	rows, err := aimdb.QueryRange[tempV2](t.Context(), db, migrated, time.Time{}, time.Time{})
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range rows {
		if row.Value.City != "vienna" {
			t.Errorf("the city is %q", row.Value.City)
		}
		all = append(all, row.Value.Reading.Kelvin)
	}
	return all
}

func undecoded(t *testing.T, db *aimdb.DB) uint64 {
	t.Helper()
	s, err := db.Stats(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return s.Undecoded
}

func equal(t *testing.T, what string, have, want any) {
	t.Helper()
	if h, w := fmt.Sprint(have), fmt.Sprint(want); h != w {
		t.Errorf("%s: %s, want %s", what, h, w)
	}
}

// Rows of all shapes, also of one before the last start, are upgraded by every way to read
// them.
func TestOlderShapesAreUpgraded(t *testing.T) {
	dir := t.TempDir()
	writeAs(t, dir, asV0, 1, 2)
	writeAs(t, dir, asV1, 3)
	db := open(t, dir)
	r := registerV2(t, db)
	defer start(t, db)()
	want := []float64{274, 275, 276}
	equal(t, "range", kelvins(t, db), want)
	if v, _ := r.Latest(); v != v2(3) || r.Untyped().Metrics().Restored != 3 {
		t.Errorf("refilled: %+v, %d values", v, r.Untyped().Metrics().Restored)
	}
	latest, err := aimdb.QueryLatest[tempV2](t.Context(), db, "temp::*", 1)
	if err != nil || len(latest) != 1 || latest[0].Value.Reading.Kelvin != 276 {
		t.Errorf("latest: %+v, %v", latest, err)
	}
	page, err := aimdb.QueryPage[tempV2](t.Context(), db, aimdb.PageQuery{Pattern: "#", Limit: 2})
	if err != nil || len(page.Rows) != 2 || page.Rows[1].Value.Reading.Kelvin != 275 || page.Next == "" {
		t.Errorf("page: %+v, %v", page, err)
	}
	buckets, err := aimdb.QueryBuckets(t.Context(), db, "#", "reading.kelvin", 1000*time.Hour, time.Time{}, time.Time{})
	if err != nil || len(buckets) == 0 || buckets[0].Count != 3 || buckets[0].Max != 276 {
		t.Errorf("buckets: %+v, %v", buckets, err)
	}
	r.Produce(v2(4))
	followed, err := followed(t, db, 4)
	equal(t, "followed", followed, []float64{274, 275, 276, 277})
	if n := undecoded(t, db); n != 0 || err != nil {
		t.Errorf("%d rows were not decoded, %v", n, err)
	}
}

func followed(t *testing.T, db *aimdb.DB, n int) (all []float64, err error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	for e, err := range aimdb.Follow[tempV2](ctx, db, migrated, time.Time{}) {
		if err != nil {
			return all, err
		}
		if !e.CaughtUp {
			all = append(all, e.Value.Reading.Kelvin)
		}
		if len(all) == n {
			break
		}
	}
	return all, ctx.Err()
}

// What the log has of an older run is upgraded too: here the history is gone, and the
// position is one of the log.
func TestOlderShapesInTheLog(t *testing.T) {
	dir := t.TempDir()
	db := open(t, dir)
	produce := asV0(t, db)
	stop := start(t, db)
	produce(1)
	if err := db.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	var position string
	for e, err := range aimdb.Follow[json.RawMessage](t.Context(), db, migrated, time.Time{}) {
		if err != nil {
			t.Fatal(err)
		}
		if position = e.Position(); e.CaughtUp {
			break
		}
	}
	produce(2)
	produce(3)
	if err := db.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	stop()
	db = open(t, dir)
	asV2(t, db)
	defer start(t, db)()
	var all []string
	for e, err := range aimdb.FollowAfter[json.RawMessage](t.Context(), db, position) {
		if err != nil {
			t.Fatal(err)
		}
		if !e.CaughtUp {
			all = append(all, string(e.Value))
		}
		if len(all) == 2 {
			break
		}
	}
	equal(t, "log", all, `[{"reading":{"kelvin":275.0},"city":"vienna"} {"reading":{"kelvin":276.0},"city":"vienna"}]`)
}

// A value that cannot be upgraded is counted, and so is one of a newer program.
func TestWhatCannotBeUpgraded(t *testing.T) {
	dir := t.TempDir()
	writeAs(t, dir, asV0, 1, -400, 2)
	db := open(t, dir)
	asV2(t, db)
	stop := start(t, db)
	before := undecoded(t, db)
	equal(t, "rows", kelvins(t, db), []float64{274, 275})
	equal(t, "counted", undecoded(t, db)-before, 1)
	page, err := aimdb.QueryPage[tempV2](t.Context(), db, aimdb.PageQuery{Pattern: "#", Limit: 2})
	if err != nil || len(page.Rows) != 1 || page.Next == "" {
		t.Errorf("the page is %+v, %v; want one row of the two that it read, and a next one", page, err)
	}
	buckets, err := aimdb.QueryBuckets(t.Context(), db, "#", "reading.kelvin", 1000*time.Hour, time.Time{}, time.Time{})
	if err != nil || len(buckets) != 1 || buckets[0].Count != 2 || buckets[0].NotNumeric != 1 {
		t.Errorf("buckets: %+v, %v", buckets, err)
	}
	stop()
	writeAs(t, dir, asV1, 3)

	old := open(t, dir) // a program of before
	r := register[tempV0](t, old, migrated, aimdb.Ring(100), aimdb.Persist())
	defer start(t, old)()
	rows, err := aimdb.QueryRange[tempV0](t.Context(), old, migrated, time.Time{}, time.Time{})
	if err != nil {
		t.Fatal(err)
	}
	equal(t, "rows of the older program", rows[len(rows)-1].Value, tempV0{2})
	equal(t, "rows of the older program", len(rows), 3)
	if n := undecoded(t, old); n != 2 { // at the refill and now
		t.Errorf("%d were counted", n)
	}
	if v, _ := r.Latest(); v.Celsius != 2 {
		t.Errorf("the refilled value is %+v", v)
	}
}

// A client may set a value of an older type, if it is exactly one.
func TestSetOfAnOlderShape(t *testing.T) {
	db := open(t, t.TempDir())
	r := registerV2(t, db)
	defer start(t, db)()
	for _, test := range []struct {
		value  string
		kelvin float64
		wrong  string
	}{
		{`{"reading":{"kelvin":300},"city":"vienna"}`, 300, ""},
		{`{"tenths":10,"city":"vienna"}`, 274, ""},
		{`{"celsius":2}`, 275, ""},
		{`{"celsius":2,"other":1}`, 0, "reading is missing"},
		{`{"tenths":10}`, 0, "reading is missing"},
		{`{"celsius":-400}`, 0, "below absolute zero"},
	} {
		err := r.Untyped().Set(json.RawMessage(test.value))
		if test.wrong != "" {
			if err == nil || !strings.Contains(err.Error(), test.wrong) {
				t.Errorf("set %s: %v, want %q", test.value, err, test.wrong)
			}
			continue
		}
		v, _ := r.Latest()
		if err != nil || v.Reading.Kelvin != test.kelvin {
			t.Errorf("set %s: %+v, %v", test.value, v, err)
		}
	}
}

func TestMigrationsAreChecked(t *testing.T) {
	db := open(t, t.TempDir())
	for _, test := range []struct {
		opts []aimdb.RecordOption
		want string
	}{
		{[]aimdb.RecordOption{aimdb.Migrate(v0to1)}, "migration 1 makes aimdb_test.tempV1, and the record holds aimdb_test.tempV2"},
		{[]aimdb.RecordOption{aimdb.Migrate(v1to2), aimdb.Migrate(v0to1)}, "migration 1 makes aimdb_test.tempV2, and migration 2 takes aimdb_test.tempV0"},
		{[]aimdb.RecordOption{aimdb.Migrate[tempV1, tempV2](nil)}, "has no function"},
	} {
		_, err := aimdb.Register[tempV2](db, migrated, test.opts...)
		if err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%v, want %q", err, test.want)
		}
	}
	if _, err := aimdb.Register[tempV2](db, "temp::panics", aimdb.Persist(), aimdb.Migrate(func(tempV0) (tempV2, error) { panic("no") })); err != nil {
		t.Error(err)
	}
	u, _ := db.Registry().Lookup("temp::panics")
	if _, err := u.Upgrade(0, json.RawMessage(`{"celsius":1}`)); err == nil || !strings.Contains(err.Error(), "panicked: no") {
		t.Errorf("%v", err)
	}
}
