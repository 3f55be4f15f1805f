package console

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/aimdb-go/aimdb"
)

// manyStages is a database of n+1 records, each made from two earlier ones.
func manyStages(t *testing.T, n int) *world {
	t.Helper()
	random := rand.New(rand.NewPCG(1, 2))
	return open(t, func(db *aimdb.DB) {
		all := []*aimdb.Record[float64]{register[float64](t, db, "stage::000", aimdb.Latest(), aimdb.Remote())}
		for i := 1; i <= n; i++ {
			r := register[float64](t, db, fmt.Sprintf("stage::%03d", i), aimdb.Latest(), aimdb.Remote())
			a, b := random.IntN(i), random.IntN(i)
			var err error
			if a == b {
				err = aimdb.Map(all[a], r, func(v float64) float64 { return v })
			} else {
				err = aimdb.Join2(all[a], all[b], r, sum)
			}
			if err != nil {
				t.Fatal(err)
			}
			all = append(all, r)
		}
	})
}

// A graph of 300 records is drawn. docs/BENCHMARKS.md has how long it takes.
func TestManyStages(t *testing.T) {
	w := manyStages(t, 299)
	b := newTab(t, w.url)
	b.visit("#/log")
	b.until("the connection", connected)
	begun := eval[float64](b, `globalThis.begun = performance.now(), location.hash = "#/graph", begun`)
	b.until("all stages", `document.querySelectorAll(".node").length === 300 && document.querySelectorAll("main tbody tr").length === 300`)
	drawn := eval[float64](b, `performance.now()`)
	layout := eval[[]float64](b, `(async () => {
		const { layers } = await import("/console/lib/layers.js");
		return [300, 3000].map((n) => {
			const keys = [...Array(n).keys()], edges = keys.slice(1).flatMap((k) => [{ from: k >> 1, to: k }, { from: k >> 3, to: k }]), begun = performance.now();
			layers(keys, edges);
			return performance.now() - begun;
		});
	})()`)
	t.Logf("drawn in %.0f ms; the layout of 300 and 3,000 records takes %.0f ms", drawn-begun, layout)
}

// A page whose answers are slow once is not without the next one for long.
func TestPause(t *testing.T) {
	w := open(t, func(db *aimdb.DB) { add(t, db, "a", aimdb.Latest()) })
	b := newTab(t, w.url)
	b.visit("#/log")
	got := eval[[]int](b, `import("/console/lib/poll.js").then(({ pauseAfter }) => [0, 100, 500, 3000, 20_000].map((took) => pauseAfter(2000, took)))`)
	if want := []int{2000, 2000, 5000, 10_000, 60_000}; !slices.Equal(got, want) {
		t.Errorf("the pauses are %v ms, want %v", got, want)
	}
}
