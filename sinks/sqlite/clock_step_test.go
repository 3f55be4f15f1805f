package sqlite_test

import (
	"cmp"
	"fmt"
	"iter"
	"math"
	"math/rand/v2"
	"os"
	"slices"
	"testing"

	"github.com/aimdb-go/aimdb/history"
	"github.com/aimdb-go/aimdb/sinks"
	"github.com/aimdb-go/aimdb/sinks/sqlite"
)

// lastOf asks for the rows of a record that were stored last.
func lastOf(t *testing.T, s *sqlite.Store, record string, limit int) iter.Seq2[history.Row, error] {
	return s.Latest(t.Context(), history.LatestQuery{Pattern: pattern(t, record), Limit: limit, By: history.ByStoring})
}

// Imported rows are stored late and are old all the same.
func TestImportedRowsAreNotTheLast(t *testing.T) {
	s := start(t, file(t))
	write(t, s, batch(1, entry("a", 100, "1"), entry("a", 50, "2")))
	rows := func(yield func(history.Row, error) bool) {
		_ = yield(history.Row{Record: "a", Time: 10, Value: []byte("3")}, nil) &&
			yield(history.Row{Record: "a", Time: 200, Value: []byte("4")}, nil)
	}
	if _, err := s.Import(t.Context(), rows); err != nil {
		t.Fatal(err)
	}
	same(t, texts(t, lastOf(t, s, "a", 9)), "a 50 2", "a 200 4", "a 100 1", "a 10 3")
	write(t, s, batch(3, entry("a", 60, "5")))
	same(t, texts(t, lastOf(t, s, "a", 2)), "a 60 5", "a 50 2")
}

// clockModel says which rows of one record were stored last, imported rows among
// them, which count by their times.
type clockModel struct {
	rows         []history.Row // by ID
	step         int           // index of the row at which the clock was last set back, -1 if it never was
	last, newest int64         // the time of the row stored last, and the greatest time
	until        int64         // the greatest time of rows from after the step
}

func (m *clockModel) add(ms int64, imported bool) history.Row {
	row := history.Row{Record: "a", Time: ms, Value: fmt.Append(nil, len(m.rows))}
	m.rows = append(m.rows, row)
	m.newest = max(m.newest, ms)
	switch {
	case imported && m.last == m.newest || imported && ms == m.newest && m.until == math.MaxInt64:
		m.last = m.newest
	case !imported:
		if ms < m.last {
			m.step = len(m.rows) - 1
		}
		if m.last, m.until = ms, math.MaxInt64; ms < m.newest {
			m.until = ms
		}
	}
	return row
}

// texts returns all rows, those stored last first.
func (m *clockModel) texts() (all []string) {
	late := func(i int) bool {
		return m.step >= 0 && i >= m.step && m.rows[i].Time >= m.rows[m.step].Time && m.rows[i].Time <= m.until
	}
	order := make([]int, len(m.rows))
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(i, j int) int {
		if late(i) != late(j) {
			return map[bool]int{true: -1, false: 1}[late(i)]
		}
		return cmp.Or(cmp.Compare(m.rows[j].Time, m.rows[i].Time), j-i)
	})
	for _, i := range order {
		all = append(all, fmt.Sprintf("a %d %s", m.rows[i].Time, m.rows[i].Value))
	}
	return all
}

// However writes, imports, clock steps and restarts follow each other.
func TestImportsBetweenClockSteps(t *testing.T) {
	t.Parallel()
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	for range 25 {
		path := file(t)
		s, stop := startStop(t, path)
		m, sequence := &clockModel{step: -1, last: math.MinInt64, newest: math.MinInt64, until: math.MaxInt64}, uint64(1)
		now := int64(1000)
		for range 20 {
			switch random.IntN(5) {
			case 0:
				var rows []history.Row
				for range 1 + random.IntN(3) {
					rows = append(rows, m.add(900+random.Int64N(300), true))
				}
				if _, err := s.Import(t.Context(), each(rows...)); err != nil {
					t.Fatal(err)
				}
			case 1:
				stop()
				s, stop = startStop(t, path)
			default:
				var entries []sinks.Entry
				for range 1 + random.IntN(3) {
					if now += random.Int64N(20); random.IntN(4) == 0 {
						now -= random.Int64N(100)
					}
					row := m.add(now, false)
					entries = append(entries, entry("a", row.Time, string(row.Value)))
				}
				write(t, s, batch(sequence, entries...))
				sequence += uint64(len(entries))
			}
			limit := 1 + random.IntN(50)
			want := m.texts()
			if same(t, texts(t, lastOf(t, s, "a", limit)), want[:min(limit, len(want))]...); t.Failed() {
				t.Fatalf("%+v", m)
			}
		}
		stop()
	}
}

// TestAFileOfVersion2Opens: its clock steps and its counts are taken over.
func TestAFileOfVersion2Opens(t *testing.T) {
	text, err := os.ReadFile("testdata/version2.sql")
	if err != nil {
		t.Fatal(err)
	}
	path := made(t, string(text))
	reader, err := sqlite.OpenReadOnly(path)
	if err != nil {
		t.Fatal(err)
	}
	want := everything(t, reader)
	same(t, texts(t, lastOf(t, reader, "behind", 1)), `behind 2500 "imported"`) // it can only go by time
	if stats, err := reader.Stats(t.Context()); err != nil || stats.Rows != 15 {
		t.Errorf("reading: %+v, %v", stats, err)
	}
	if err := reader.Close(); err != nil {
		t.Fatal(err)
	}
	s := start(t, path)
	same(t, everything(t, s), want...)
	same(t, texts(t, lastOf(t, s, "behind", 9)), "behind 60 7", "behind 50 6", `behind 2500 "imported"`, "behind 2010 5", "behind 2000 4")
	same(t, texts(t, lastOf(t, s, "caught::up", 9)), "caught::up 310 10", "caught::up 290 9", "caught::up 300 8")
	same(t, texts(t, lastOf(t, s, "steady", 2)), "steady 130 13", "steady 120 3")
	counted(t, s, 15)
	write(t, s, batch(14, entry("behind", 55, "14"), entry("steady", 125, "15"), entry("pruned", 4, "16"), entry("of::others", 1099, "17")))
	same(t, texts(t, lastOf(t, s, "behind", 2)), "behind 55 14", `behind 2500 "imported"`)
	same(t, texts(t, lastOf(t, s, "steady", 2)), "steady 125 15", "steady 130 13")
	same(t, texts(t, lastOf(t, s, "of::others", 2)), "of::others 1099 17", "of::others 1100 1100")
	counted(t, s, 19)
	db := another(t, path)
	var left int
	if err := db.QueryRowContext(t.Context(), "SELECT count(*) FROM aimdb_meta WHERE key NOT IN ('clean', 'identity', 'last_prune', 'schema_version', 'counted_last', 'checkpoint')").Scan(&left); err != nil || left != 0 {
		t.Errorf("%d entries of the older version are left, %v", left, err)
	}
}

// More rows than one page has, from after a clock step and from before it.
func TestRowsByStoringComeInPages(t *testing.T) {
	const rows = 10_000
	s := start(t, file(t))
	var entries []sinks.Entry
	var want []string
	for i := range rows {
		entries = append(entries, entry("a", int64(1000+i/3), fmt.Sprint(i)))
	}
	for i := range rows {
		entries = append(entries, entry("a", int64(500+i/3), fmt.Sprint(rows+i)))
	}
	for _, e := range slices.Backward(entries) {
		want = append(want, fmt.Sprintf("a %d %s", e.Time, e.Value))
	}
	write(t, s, batch(1, entries...))
	if got := texts(t, lastOf(t, s, "a", math.MaxInt)); !slices.Equal(got, want) {
		t.Errorf("%d rows, want %d in the reverse order of their storing", len(got), len(want))
	}
}
