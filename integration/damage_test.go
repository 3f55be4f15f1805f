package integration

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// One place of a directory is damaged, and then the database is started as its
// operator does. Where the log, its mark, a lock or the checkpoint is damaged, every
// value that was logged is stored once or counted in the ledger.
func TestDamage(t *testing.T) {
	trials := rounds(t, 12) * 5
	bases := damageBases(t)
	seed := randomSeed(t)
	for i := range trials {
		r := rand.New(rand.NewPCG(seed, uint64(i)))
		base := &bases[r.IntN(len(bases))]
		t.Run(fmt.Sprintf("%d %s", i, base.name), func(t *testing.T) { trial(t, r, base) })
	}
}

func trial(t *testing.T, r *rand.Rand, base *damageBase) {
	dir := filepath.Join(t.TempDir(), "data")
	if err := os.CopyFS(dir, os.DirFS(base.dir)); err != nil {
		t.Fatal(err)
	}
	place := choosePlace(t, r, dir)
	did := inflict(t, r, dir, place)
	t.Log(did)
	p := readmit(t, base.setup(dir))
	p.send(damageLast+1, damageLast+3)
	p = p.flushOrReadmit(base.setup(dir))
	p.stop()
	checkAccount(t, dir, place.kind != "history")
	if t.Failed() || true {
		t.Log(p.said.String())
	}
}

// choosePlace gives each kind the same chance, and the log three.
func choosePlace(t *testing.T, r *rand.Rand, dir string) damagePlace {
	t.Helper()
	places := damagePlaces(t, dir)
	kind := []string{"log", "log", "log", "mark", "lock", "log", "log"}[r.IntN(7)]
	var some []damagePlace
	for _, p := range places {
		if p.kind == kind {
			some = append(some, p)
		}
	}
	if len(some) == 0 { // a stopped database has no lock of its history
		return places[r.IntN(len(places))]
	}
	return some[r.IntN(len(some))]
}

// checkAccount checks that each value is stored once, and that the ledger has as many
// losses as values are missing.
func checkAccount(t *testing.T, dir string, inLedger bool) {
	t.Helper()
	db := openSQL(t, dir)
	defer db.Close()
	missing := 0
	for _, key := range writerKeys() {
		seen := map[int]int{}
		rows, err := db.Query("SELECT json_extract(value_json, '$.n') FROM record_history WHERE record_name = ?", key)
		if err != nil {
			t.Fatal(err)
		}
		for rows.Next() {
			var n int
			if err := rows.Scan(&n); err != nil {
				t.Fatal(err)
			}
			seen[n]++
		}
		if err := rows.Err(); err != nil {
			t.Fatal(err)
		}
		for n := 1; n <= damageLast+3; n++ {
			switch seen[n] {
			case 0:
				missing++
			case 1:
			default:
				t.Errorf("record %s: %d is stored %d times", key, n, seen[n])
			}
		}
	}
	lost, unknown := 0, false
	for _, l := range ledger(t, db) {
		if l.record != "" && (strings.HasPrefix(l.cause, "log_") && l.cause != "log_refused") {
			continue // a share of another entry
		}
		lost += l.count
		unknown = unknown || l.count == 0
	}
	if lost != missing && !(unknown && lost <= missing) {
		t.Errorf("%d values are missing, the ledger has %d: %+v", missing, lost, ledger(t, db))
	}
}
