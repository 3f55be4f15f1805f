package historytest

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"

	"github.com/aimdb-go/aimdb/history"
	"github.com/aimdb-go/aimdb/sinks"
)

// shaped writes rows with their shapes and IDs.
func shaped(rows []history.Row) (all []string) {
	for _, row := range rows {
		all = append(all, fmt.Sprintf("%d %s %d %s shape %d", row.ID, row.Record, row.Time, row.Value, row.Shape))
	}
	return all
}

// shapesKept writes random shapes of a few records and reads them by each kind of query,
// also after pruning.
func (x Target) shapesKept(t *testing.T) {
	s := x.open(t)
	keeper, keeps := s.(history.Shaped)
	if !keeps {
		t.Skip("the store keeps no shapes")
	}
	r := random(t)
	f := newFeed(s)
	want := map[string][]int{}
	ms := int64(1000)
	for range 12 {
		var rows []history.Row
		for range 1 + r.IntN(20) {
			ms++
			one := row([]string{"a", "b", "c::d"}[r.IntN(3)], ms, fmt.Sprint(ms))
			if r.IntN(3) > 0 {
				one.Shape = r.IntN(3)
			}
			rows = append(rows, one)
			want[one.Record] = append(want[one.Record], one.Shape)
		}
		f.write(t, rows...)
	}
	for record, shapes := range want {
		p := pattern(t, record)
		var ranged, latest, stored []int
		for _, row := range collect(t, s.Range(t.Context(), history.RangeQuery{Pattern: p})) {
			ranged = append(ranged, row.Shape)
		}
		for _, row := range collect(t, s.Latest(t.Context(), history.LatestQuery{Pattern: p, Limit: 1000})) {
			latest = append(latest, row.Shape)
		}
		for _, row := range collect(t, s.Latest(t.Context(), history.LatestQuery{Pattern: p, Limit: 1000, By: history.ByStoring})) {
			stored = append(stored, row.Shape)
		}
		slices.Reverse(latest)
		slices.Reverse(stored)
		if fmt.Sprint(ranged) != fmt.Sprint(shapes) || fmt.Sprint(latest) != fmt.Sprint(shapes) || fmt.Sprint(stored) != fmt.Sprint(shapes) {
			t.Errorf("%s has the shapes %v,\n%v\nand %v, want\n%v", record, ranged, latest, stored, shapes)
		}
		newest := collect(t, s.Latest(t.Context(), history.LatestQuery{Pattern: p, Limit: 1}))
		if len(newest) != 1 || newest[0].Shape != shapes[len(shapes)-1] {
			t.Errorf("the newest row of %s is %+v", record, newest)
		}
		had, err := keeper.Shapes(t.Context(), record)
		for _, shape := range shapes {
			if err != nil || !slices.Contains(had, shape) {
				t.Errorf("the shapes of %s are %v, %v, and there is a row of %d", record, had, err, shape)
			}
		}
	}
	before := everything(t, s)
	if _, err := s.Prune(t.Context(), history.PrunePlan{Keep: []history.Keep{{Record: "a", MaxRows: 5}, {Record: "b", Before: 1050}}}); err != nil {
		t.Fatal(err)
	}
	left := map[int64]bool{}
	after := everything(t, s)
	for _, row := range after {
		left[row.ID] = true
	}
	kept := slices.DeleteFunc(before, func(row history.Row) bool { return !left[row.ID] })
	if got, want := shaped(after), shaped(kept); !slices.Equal(got, want) {
		t.Errorf("after pruning\n%q\nwant\n%q", got, want)
	}
}

// rewriting rewrites rows of some shapes, beside rows that cannot be rewritten, twice.
func (x Target) rewriting(t *testing.T) {
	dir := t.TempDir()
	s, closeStore := x.Open(t, dir)
	if _, can := s.(history.Shaped); !can {
		closeStore()
		t.Skip("the store keeps no shapes")
	}
	f := newFeed(s)
	var want []history.Row
	for i := range 3000 {
		one := row([]string{"a", "b"}[i%2], int64(1000+i), fmt.Sprintf(`{"n":%d}`, i))
		one.Shape = i / 1200
		if i%500 == 4 {
			one.Value = []byte(`{"n":"none"}`)
		}
		want = append(want, one)
	}
	for part := range slices.Chunk(want, 700) {
		f.write(t, part...)
	}
	none := errors.New("it has no number")
	upgrade := func(row history.Row) (json.RawMessage, int, error) {
		var v struct {
			N int `json:"n"`
		}
		switch {
		case row.Record != "a" || row.Shape == 2:
			return nil, row.Shape, nil
		case json.Unmarshal(row.Value, &v) != nil:
			return nil, 0, none
		}
		return fmt.Appendf(nil, `{"number":{"is":%d}}`, v.N), 2, nil
	}
	stored := everything(t, s)
	rewritten := 0
	for i := range stored {
		if value, shape, err := upgrade(stored[i]); err == nil && shape != stored[i].Shape {
			stored[i].Value, stored[i].Shape = value, shape
			rewritten++
		}
	}
	for range 2 {
		n := 0
		if err := s.(history.Shaped).Rewrite(t.Context(), upgrade, func(rows int) { n += rows }); err != nil {
			t.Fatal(err)
		}
		if n != rewritten {
			t.Errorf("%d rows were rewritten, want %d", n, rewritten)
		}
		rewritten = 0
		if got, want := shaped(everything(t, s)), shaped(stored); !slices.Equal(got, want) {
			t.Fatalf("%d rows, %.300q\nwant %d, %.300q", len(got), got, len(want), want)
		}
	}
	if shapes, err := s.(history.Shaped).Shapes(t.Context(), "b"); err != nil || fmt.Sprint(shapes) != "[0 1 2]" {
		t.Errorf("the shapes of b are %v, %v", shapes, err)
	}
	stats, err := s.Stats(t.Context())
	bytes := map[string]int64{}
	for _, row := range stored {
		bytes[row.Record] += int64(len(row.Value))
	}
	if err != nil || len(stats.Records) != 2 || stats.Records[0].Bytes != bytes["a"] || stats.Records[1].Bytes != bytes["b"] {
		t.Errorf("%+v, %v; want %v bytes", stats.Records, err, bytes)
	}
	if v, can := s.(history.Verifier); can {
		if found, err := v.Verify(t.Context()); err != nil || len(found.Damaged)+len(found.Holes)+len(found.Problems) > 0 {
			t.Errorf("%+v, %v", found, err)
		}
	}
	f.write(t, row("a", 9000, "1"))
	closeStore()
	s, closeStore = x.Open(t, dir)
	defer closeStore()
	all := everything(t, s)
	if got, want := shaped(all[:len(stored)]), shaped(stored); !slices.Equal(got, want) || all[len(stored)].Shape != 0 {
		t.Errorf("after a restart %.300q\nwant %.300q", got, want)
	}
}

// rewritingBeside rewrites rows twice while rows of the new shape are stored and old ones
// pruned.
func (x Target) rewritingBeside(t *testing.T) {
	s := x.open(t)
	keeper, keeps := s.(history.Shaped)
	if !keeps {
		t.Skip("the store keeps no shapes")
	}
	f := newFeed(s)
	next := int64(0)
	add := func(n, shape int) {
		var rows []history.Row
		for range n {
			next++
			one := row([]string{"a", "b"}[next%2], next, fmt.Sprint(next))
			if one.Shape = shape; shape == 1 {
				one.Value = fmt.Appendf(nil, `{"n":%d}`, next)
			}
			rows = append(rows, one)
		}
		f.write(t, rows...)
	}
	for range 5 {
		add(1000, 0)
	}
	upgrade := func(row history.Row) (json.RawMessage, int, error) {
		if row.Shape == 1 {
			return nil, 1, nil
		}
		return fmt.Appendf(nil, `{"n":%s}`, row.Value), 1, nil
	}
	var done sync.WaitGroup
	ended := make(chan struct{})
	done.Go(func() {
		defer close(ended)
		for range 2 {
			if err := keeper.Rewrite(t.Context(), upgrade, func(int) {}); err != nil {
				t.Error(err)
			}
		}
	})
	done.Go(func() {
		for before := int64(0); before < 3000; before += 500 {
			if _, err := s.Prune(t.Context(), history.PrunePlan{Keep: []history.Keep{{Record: "a", Before: before}, {Record: "b", MaxRows: 2000}}}); err != nil {
				t.Error(err)
			}
		}
	})
	for more := true; more; {
		add(20, 1)
		select {
		case <-ended:
			more = false
		default:
		}
	}
	done.Wait()
	for _, row := range everything(t, s) {
		if want := fmt.Sprintf(`{"n":%d}`, row.Time); row.Shape != 1 || string(row.Value) != want {
			t.Fatalf("row %d of %s is %s in the shape %d, want %s", row.ID, row.Record, row.Value, row.Shape, want)
		}
	}
	if v, can := s.(history.Verifier); can {
		if found, err := v.Verify(t.Context()); err != nil || len(found.Damaged)+len(found.Problems) > 0 {
			t.Errorf("%+v, %v", found, err)
		}
	}
}

// shapesOfLetters retries a refused value of another shape than the rows around.
func (x Target) shapesOfLetters(t *testing.T) {
	s := x.open(t)
	letters, keeps := s.(history.DeadLetters)
	if _, can := s.(history.Shaped); !can || !keeps {
		t.Skip("the store keeps no dead letters that can be retried, or no shapes")
	}
	f := newFeed(s)
	f.write(t, row("a", 10, "1"))
	b := f.batch()
	b.Refused = []sinks.Refusal{{Entry: sinks.Entry{Sequence: 2, Record: "a", Time: 20, Value: []byte("2"), Shape: 3}, Reason: "not today"}}
	b.Checkpoint.Sequence = 2
	if err := s.Write(t.Context(), b); err != nil {
		t.Fatal(err)
	}
	f.at, f.have = b.Checkpoint, b.Checkpoint
	all := collect(t, letters.DeadLetters(t.Context()))
	if len(all) != 1 || all[0].Shape != 3 {
		t.Fatalf("the dead letters are %+v", all)
	}
	if err := letters.RetryDeadLetter(t.Context(), all[0].ID); err != nil {
		t.Fatal(err)
	}
	f.write(t, row("a", 30, "3"))
	var shapes []int
	for _, row := range everything(t, s) {
		shapes = append(shapes, row.Shape)
	}
	if fmt.Sprint(shapes) != "[0 3 0]" {
		t.Errorf("the shapes are %v", shapes)
	}
}
