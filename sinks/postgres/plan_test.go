package postgres_test

import (
	"encoding/json"
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/aimdb-go/aimdb/sinks/postgres"
)

// TestQueriesUseTheIndex: a query reads the rows that it wants by the index, from the
// partitions that have them.
func TestQueriesUseTheIndex(t *testing.T) {
	t.Parallel()
	s, _ := filled(t, 200_000)
	start, end := benchStart+10*week+1, benchStart+11*week-1
	for name, c := range map[string]struct {
		text    string
		args    []any
		scanned int // rows of the history
		least   int // partitions that are left out from the start
	}{
		"latest":              {postgres.LatestText(), []any{sensors(), int64(math.MaxInt64), int64(math.MaxInt64), int64(math.MinInt64), int64(math.MaxInt64), 1}, benchRecords, 0},
		"latest in a window":  {postgres.LatestText(), []any{sensors(), end, int64(math.MaxInt64), start, int64(math.MaxInt64), 1}, benchRecords, 50},
		"range":               {postgres.ForwardText, []any{"plant.sensor07", start, int64(0), int64(math.MaxInt64), int64(math.MaxInt64), 100}, 100, 10},
		"range in a window":   {postgres.ForwardText, []any{"plant.sensor07", start, int64(0), end, int64(math.MaxInt64), 10}, 10, 50},
		"range, newest first": {postgres.BackwardText, []any{"plant.sensor07", end, int64(0), start, int64(math.MaxInt64), 10}, 10, 50},
	} {
		t.Run(name, func(t *testing.T) {
			plan, err := s.Explain(t.Context(), c.text, c.args...)
			if err != nil {
				t.Fatal(err)
			}
			var all []struct{ Plan planNode }
			if err := json.Unmarshal([]byte(plan), &all); err != nil {
				t.Fatal(err)
			}
			scanned, removed := 0, 0
			for node := range all[0].Plan.each {
				removed += node.Removed
				if strings.HasPrefix(node.Relation, "record_history") {
					scanned += int(node.Rows * node.Loops)
					if node.Type != "Index Scan" {
						t.Errorf("a %s of %s", node.Type, node.Relation)
					}
				}
			}
			if scanned != c.scanned || removed < c.least {
				t.Errorf("%d rows are read and %d partitions left out, want %d and at least %d:\n%s", scanned, removed, c.scanned, c.least, plan)
			}
		})
	}
}

func sensors() (names []string) {
	for i := range benchRecords {
		names = append(names, fmt.Sprintf("plant.sensor%02d", i))
	}
	return names
}

// planNode is a node of EXPLAIN (FORMAT JSON).
type planNode struct {
	Type     string     `json:"Node Type"`
	Relation string     `json:"Relation Name"`
	Rows     float64    `json:"Actual Rows"`
	Loops    float64    `json:"Actual Loops"`
	Removed  int        `json:"Subplans Removed"`
	Plans    []planNode `json:"Plans"`
}

func (n planNode) each(yield func(planNode) bool) {
	if !yield(n) {
		return
	}
	for _, below := range n.Plans {
		for node := range below.each {
			if !yield(node) {
				return
			}
		}
	}
}
