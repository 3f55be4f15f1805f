package integration

import (
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aimdb-go/aimdb"
	"github.com/aimdb-go/aimdb/aimx"
	"github.com/aimdb-go/aimdb/sinks/sqlite"
)

// One place of a directory is damaged; it is verified, and repaired if its history is
// damaged; then the database is started as its operator does, and verified again.
//
// Where the log, its mark, a lock or the checkpoint is damaged, every value that was
// logged is stored once or counted in the ledger. Where the history is damaged, all
// values are stored again, since the log holds them. The first verification knows
// whether anything is wrong, and the last one finds nothing that nobody knows.
func TestDamage(t *testing.T) {
	t.Parallel()
	trials := rounds(t, 8/slower) * 5
	bases := damageBases(t)
	seed := randomSeed(t)
	for i := range trials {
		r := rand.New(rand.NewPCG(seed, uint64(i)))
		base := &bases[r.IntN(len(bases))]
		t.Run(fmt.Sprintf("%d %s", i, base.name), func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "data")
			if err := os.CopyFS(dir, os.DirFS(base.dir)); err != nil {
				t.Fatal(err)
			}
			place := choosePlace(t, r, dir)
			d := &damaged{t: t, dir: dir, base: base, kind: place.kind}
			t.Log(inflict(t, r, dir, place))
			d.trial()
		})
	}
}

// damaged is a directory in which one place is damaged.
type damaged struct {
	t    *testing.T
	dir  string
	base *damageBase
	kind string
	said said
}

func (d *damaged) trial() {
	t := d.t
	found := d.verify(false)
	if found == aimx.Complete && d.kind == "history" {
		d.noRowChanged()
	}
	if found != aimx.Complete && d.kind == "history" {
		d.verify(true)
	}
	p := readmit(t, d.base.setup(d.dir))
	p.send(damageLast+1, damageLast+3)
	p = p.flushOrReadmit(d.base.setup(d.dir))
	p.stop()
	missing, lost := d.account()
	switch {
	case missing > 0 && d.kind == "history":
		t.Errorf("%d values are missing, although the log holds them", missing)
	case missing > 0 && found != aimx.UnknownLoss:
		t.Errorf("%d values are missing, and the verification before the start said %s", missing, found)
	}
	want := aimx.Complete
	if missing > 0 || lost {
		want = aimx.LossesKnown
	}
	if last := d.verify(false); last != want {
		t.Errorf("the verification after the start says %s, want %s", last, want)
	}
	if t.Failed() {
		t.Log(p.said.String(), d.said.String())
	}
}

// noRowChanged checks a history in which nothing was found: the rows that it has are as
// they were. Rows may have vanished with the checkpoint, since the log holds them.
func (d *damaged) noRowChanged() {
	d.t.Helper()
	before := map[string]bool{}
	for line := range strings.Lines(rowsOf(d.t, d.base.dir)) {
		before[line] = true
	}
	for line := range strings.Lines(rowsOf(d.t, d.dir)) {
		if !before[line] {
			d.t.Errorf("verify finds nothing, and a row has changed: %s", line)
		}
	}
}

// verify returns the verdict on the stopped directory. A history that SQLite cannot
// open is not complete.
func (d *damaged) verify(repair bool) aimx.Verdict {
	d.t.Helper()
	logger := slog.New(slog.NewTextHandler(&d.said, nil))
	store, err := sqlite.Open(filepath.Join(d.dir, "history.db"), sqlite.Unchecked(), sqlite.Logger(logger))
	if errors.Is(err, sqlite.ErrCorrupt) {
		d.t.Logf("verify: %v", err)
		return aimx.UnknownLoss
	}
	if err != nil {
		d.t.Fatal(err)
	}
	db, err := aimdb.OpenStopped(d.t.Context(), aimdb.Config{Dir: d.dir, Backend: store, Logger: logger})
	if err != nil {
		d.t.Fatal(err)
	}
	act := db.Verify
	if repair {
		act = db.Repair
	}
	v, err := act(d.t.Context())
	if closed := db.Close(); closed != nil {
		d.t.Errorf("close after a verification: %v", closed)
	}
	if errors.Is(err, sqlite.ErrCorrupt) {
		d.t.Logf("verify: %v", err)
		return aimx.UnknownLoss
	}
	if err != nil {
		d.t.Fatal(err)
	}
	for _, f := range v.Unknown {
		d.t.Logf("verify: unknown: %s", f.Text)
	}
	for _, f := range v.Known {
		d.t.Logf("verify: known: %s", f.Text)
	}
	return v.Verdict
}

// choosePlace gives each kind the same chance, and the log and the history three.
func choosePlace(t *testing.T, r *rand.Rand, dir string) damagePlace {
	t.Helper()
	places := damagePlaces(t, dir)
	kinds := []string{"log", "log", "log", "mark", "lock", "checkpoint", "history", "history", "history"}
	kind := kinds[r.IntN(len(kinds))]
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

// account checks that each value is stored once, and that the ledger has as many losses
// as values are missing. It also returns whether the ledger has any.
func (d *damaged) account() (missing int, lost bool) {
	t := d.t
	t.Helper()
	db := openSQL(t, d.dir)
	defer db.Close()
	for _, key := range writerKeys() {
		seen := map[string]int{}
		for _, value := range valuesOf(t, db, key) {
			seen[value]++
		}
		for n := 1; n <= damageLast+3; n++ {
			value := fmt.Sprintf(`{"n":%d}`, n)
			switch seen[value] {
			case 0:
				missing++
			case 1:
			default:
				t.Errorf("record %s: %s is stored %d times", key, value, seen[value])
			}
			delete(seen, value)
		}
		for value := range seen {
			t.Errorf("record %s: %s was never logged", key, value)
		}
	}
	counted, unknown := 0, false
	losses := ledger(t, db)
	for _, l := range losses {
		if l.record != "" && strings.HasPrefix(l.cause, "log_") && l.cause != "log_refused" {
			continue // a share of another entry
		}
		counted += l.count
		unknown = unknown || l.count == 0
	}
	if counted != missing && !(unknown && counted <= missing) {
		t.Errorf("%d values are missing, the ledger has %d: %+v", missing, counted, losses)
	}
	return missing, len(losses) > 0
}

func valuesOf(t *testing.T, db *sql.DB, key string) (values []string) {
	t.Helper()
	rows, err := db.Query("SELECT value_json FROM record_history WHERE record_name = ? ORDER BY id", key)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		var value string
		if err := rows.Scan(&value); err != nil {
			t.Fatal(err)
		}
		values = append(values, value)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return values
}

// rowsOf returns what the table of a history holds, as far as it can be read. It reads a
// copy, because whoever closes a database changes its files.
func rowsOf(t *testing.T, dir string) string {
	t.Helper()
	copied := t.TempDir()
	for _, name := range []string{"history.db", "history.db-wal"} {
		if _, err := os.Stat(filepath.Join(dir, name)); err == nil {
			copyFile(t, filepath.Join(dir, name), filepath.Join(copied, name))
		}
	}
	db := openSQL(t, copied)
	defer db.Close()
	rows, err := db.Query("SELECT id || ' ' || quote(record_name) || ' ' || quote(value_json) || ' ' || quote(stored_at) FROM record_history NOT INDEXED ORDER BY id")
	if err != nil {
		return err.Error()
	}
	defer rows.Close()
	var all strings.Builder
	for rows.Next() {
		var one sql.NullString
		if err := rows.Scan(&one); err != nil {
			return all.String() + err.Error()
		}
		all.WriteString(one.String + "\n")
	}
	if err := rows.Err(); err != nil {
		return all.String() + err.Error()
	}
	return all.String()
}
