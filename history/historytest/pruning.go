package historytest

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/aimdb-go/aimdb/history"
)

func (x Target) pruneTable(t *testing.T) {
	s := x.open(t)
	var all []history.Row
	for i := range int64(3000) {
		all = append(all, row([]string{"age", "rows", "bytes", "kept"}[i%4], i, "12345"))
	}
	newFeed(s).write(t, all...)
	plan := history.PrunePlan{Keep: []history.Keep{
		{Record: "age", Before: 2000}, {Record: "rows", MaxRows: 10}, {Record: "bytes", MaxBytes: 52}, {Record: "absent", MaxRows: 1},
	}}
	preview, report := prune(t, s, plan)
	if got, want := fmt.Sprint(report.Records, report.Rows), "[{age 500 2500} {bytes 740 3700} {rows 740 3700}] 1980"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if fmt.Sprint(preview.Records) != fmt.Sprint(report.Records) {
		t.Errorf("preview %v, done %v", preview.Records, report.Records)
	}
	var got []string
	for _, r := range describe(t, s).Records {
		got = append(got, fmt.Sprint(r.Record, " ", r.Rows, " ", r.Bytes, " ", r.FirstTime))
	}
	if want := []string{"age 250 1250 2000", "bytes 10 50 2962", "kept 750 3750 3", "rows 10 50 2961"}; !slices.Equal(got, want) {
		t.Errorf("got  %q\nwant %q", got, want)
	}
	if _, report := prune(t, s, plan); report.Rows != 0 {
		t.Errorf("a second sweep found %+v", report)
	}
}

// pruneByStoring: rows that were written while the clock was wrong take nobody's
// place.
func (x Target) pruneByStoring(t *testing.T) {
	for _, wrong := range []int64{1, 1 << 42} {
		s := x.open(t)
		f := newFeed(s)
		records := []string{"rows", "bytes"}
		for i := range int64(60) {
			ms := 1_000_000 + i
			if i < 10 {
				ms = wrong + i
			}
			for _, record := range records {
				f.write(t, row(record, ms, "12345"))
			}
		}
		all := model(everything(t, s))
		plan := history.PrunePlan{Keep: []history.Keep{{Record: "rows", MaxRows: 10}, {Record: "bytes", MaxBytes: 50}}}
		preview, report := prune(t, s, plan)
		if fmt.Sprint(preview.Records) != fmt.Sprint(report.Records) || report.Rows != 100 {
			t.Errorf("preview %+v, done %+v", preview, report)
		}
		left, _ := all.pruned(plan.Keep)
		equal(t, wrong, everything(t, s), left.selected(func(history.Row) bool { return true }))
	}
}

// prune returns what a preview says, and then what pruning has done.
func prune(t *testing.T, s Store, plan history.PrunePlan) (preview, report history.PruneReport) {
	t.Helper()
	preview, err := s.Preview(t.Context(), plan)
	if err != nil {
		t.Fatal(err)
	}
	if report, err = s.Prune(t.Context(), plan); err != nil {
		t.Fatal(err)
	}
	return preview, report
}

func (x Target) pruneRandom(t *testing.T) {
	random, s := random(t), x.open(t)
	f := newFeed(s)
	for round := range 40 {
		f.write(t, randomRows(random, 1+random.IntN(100), 100)...)
		all := model(everything(t, s))
		var keep []history.Keep
		for i := range 5 {
			k := history.Keep{Record: fmt.Sprint("r", i)}
			switch random.IntN(6) {
			case 0:
				k.Before = 1 + random.Int64N(100)
			case 1:
				k.MaxRows = 1 + random.Int64N(30)
			case 2:
				k.MaxBytes = 1 + random.Int64N(60)
			case 3:
				k.Before, k.MaxRows, k.MaxBytes = 1+random.Int64N(50), 1+random.Int64N(60), 1+random.Int64N(120)
			case 4:
				k.Forever, k.Before = true, 90
			case 5:
				continue
			}
			keep = append(keep, k)
		}
		left, want := all.pruned(keep)
		preview, report := prune(t, s, history.PrunePlan{Keep: keep})
		for name, got := range map[string]history.PruneReport{"preview": preview, "report": report} {
			if fmt.Sprint(got.Records, got.Rows, got.Bytes) != fmt.Sprint(want.Records, want.Rows, want.Bytes) {
				t.Fatalf("round %d, %+v: the %s is %+v, want %+v", round, keep, name, got, want)
			}
		}
		equal(t, fmt.Sprint("round ", round), everything(t, s), left.selected(func(history.Row) bool { return true }))
	}
}

func (x Target) pruneWhole(t *testing.T) {
	s := x.open(t)
	f := newFeed(s)
	for n := range 40 {
		var rows []history.Row
		for i := range 100 { // times go backwards: what counts is the order of storing
			rows = append(rows, row([]string{"free", "kept"}[i%2], int64(10_000-n*100-i), `"`+strings.Repeat("x", 500)+`"`))
		}
		f.write(t, rows...)
	}
	all := everything(t, s)
	plan := history.PrunePlan{Keep: []history.Keep{{Record: "kept", Forever: true}}, MaxBytes: describe(t, s).Bytes * 3 / 4}
	preview, report := prune(t, s, plan)
	if report.OverBytes != 0 || report.Rows < 500 || report.Rows > 1500 || preview.Rows < report.Rows*7/10 || preview.Rows > report.Rows*13/10 {
		t.Errorf("three quarters of the size: preview %+v, done %+v", preview, report)
	}
	left := everything(t, s)
	if want := storedLast(all, "free", len(left)-2000); fmt.Sprint(texts(left)) != fmt.Sprint(texts(want)) {
		t.Errorf("what is left is not what was stored last and what is to be kept")
	}
	if _, again := prune(t, s, plan); again.Rows != 0 {
		t.Errorf("a second sweep found %+v", again)
	}
	plan.MaxBytes = 1
	if preview, report = prune(t, s, plan); report.OverBytes <= 0 || preview.OverBytes <= 0 {
		t.Errorf("one byte: preview %+v, done %+v", preview, report)
	}
	if left := everything(t, s); len(left) != 2000 || left[0].Record != "kept" {
		t.Errorf("%d rows are left of the 2000 to be kept", len(left))
	}
}

// storedLast drops the rows of one record but for the last n by ID.
func storedLast(all []history.Row, record string, n int) (left []history.Row) {
	var ids []int64
	for _, row := range all {
		if row.Record == record {
			ids = append(ids, row.ID)
		}
	}
	slices.Sort(ids)
	for _, row := range all {
		if row.Record != record || slices.Contains(ids[max(0, len(ids)-n):], row.ID) {
			left = append(left, row)
		}
	}
	return left
}
