package postgres

import "github.com/aimdb-go/aimdb/sinks"

// The clock that write times come from may be set back. Then neither the time nor the ID
// alone shows which row of a record was stored last. So aimdb_record has the row at which
// the clock was last set back (step_id, step_time) and the time of the row stored last
// (last_time).

// countGroups adds the rows of a batch to the counts of their records, and moves their last
// numbers. The first row of a batch is a clock step if the row before it is later.
const countGroups = `WITH g AS (SELECT * FROM unnest($1::text[], $2::int8[], $3::int8[], $4::int8[], $5::int8[], $6::int8[], $7::int8[], $8::int8[], $9::int8[], $10::int8[], $11::bool[])
		AS g(record_name, rows, bytes, first_id, first_time, step_id, step_time, last_time, run, number, timed)),
	known AS (UPDATE aimdb_record r SET rows = r.rows + g.rows, bytes = r.bytes + g.bytes, last_time = g.last_time, timed = r.timed OR g.timed,
		run = coalesce(g.run, r.run), number = coalesce(g.number, r.number),
		step_id = CASE WHEN g.step_id > 0 THEN g.step_id WHEN g.first_time < r.last_time THEN g.first_id ELSE r.step_id END,
		step_time = CASE WHEN g.step_id > 0 THEN g.step_time WHEN g.first_time < r.last_time THEN g.first_time ELSE r.step_time END
		FROM g WHERE r.record_name = g.record_name RETURNING r.record_name)
	INSERT INTO aimdb_record(record_name, rows, bytes, step_id, step_time, last_time, run, number, timed)
	SELECT record_name, rows, bytes, nullif(step_id, 0), CASE WHEN step_id > 0 THEN step_time END, last_time, run, number, timed
	FROM g WHERE record_name NOT IN (SELECT record_name FROM known)`

// recordGroup is what a batch has of one record.
type recordGroup struct {
	record      string
	rows, bytes int64
	// first is the index of the first row, and step that of the row at which the clock
	// was last set back within the batch, 0 if it was not.
	first, step                   int
	firstTime, stepTime, lastTime int64
	timed                         bool
}

// group appends the groups of entries that are sorted by record.
func group(groups []recordGroup, entries []sinks.Entry) []recordGroup {
	var g *recordGroup
	for i := range entries {
		e := &entries[i]
		if g == nil || g.record != e.Record {
			groups = append(groups, recordGroup{record: e.Record, first: i, firstTime: e.Time, lastTime: e.Time})
			g = &groups[len(groups)-1]
		}
		if e.Time < g.lastTime {
			g.step, g.stepTime = i, e.Time
		}
		g.timed = g.timed || e.Timed
		g.rows, g.bytes, g.lastTime = g.rows+1, g.bytes+int64(len(e.Value)), e.Time
	}
	return groups
}

// groupArgs are the columns of groups.
type groupArgs struct {
	names   []string
	numbers [7][]int64
	// run and number are null where the last number is not known.
	run, number []*int64
	timed       []bool
}

// of returns the arguments of countGroups. They are valid until the next call.
func (a *groupArgs) of(groups []recordGroup, firstID int64, last map[string]sinks.LastNumber) []any {
	a.names, a.run, a.number = a.names[:0], a.run[:0], a.number[:0]
	a.timed = a.timed[:0]
	for i := range a.numbers {
		a.numbers[i] = a.numbers[i][:0]
	}
	for _, g := range groups {
		a.names = append(a.names, g.record)
		step := int64(0)
		if g.step > 0 {
			step = firstID + int64(g.step)
		}
		for i, n := range [...]int64{g.rows, g.bytes, firstID + int64(g.first), g.firstTime, step, g.stepTime, g.lastTime} {
			a.numbers[i] = append(a.numbers[i], n)
		}
		run, number := numberColumns(last[g.record])
		a.run, a.number = append(a.run, run), append(a.number, number)
		a.timed = append(a.timed, g.timed)
	}
	args := []any{a.names}
	for _, column := range a.numbers {
		args = append(args, column)
	}
	return append(args, a.run, a.number, a.timed)
}
