package integration

import (
	"cmp"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aimdb-go/aimdb"
	"github.com/aimdb-go/aimdb/history"
	"github.com/aimdb-go/aimdb/sinks/sqlite"
)

// A directory of an earlier version opens with all that was in it, each value
// once and in its order, and takes new values. It does so again at the next
// start.
func TestOldDirectoriesOpenComplete(t *testing.T) {
	t.Parallel()
	eachFixture(t, func(t *testing.T, dir string, has oldData) {
		for range 2 {
			o := openOld(t, dir, has)
			o.checkRows(has)
			o.checkLatest(has)
			o.checkLedger(has)
			o.send(has)
			o.checkRows(has)
			o.stop()
			checkStored(t, dir, has)
		}
	})
}

// checkRows asks for the whole history, which comes by time.
func (o *oldDB) checkRows(has oldData) {
	o.t.Helper()
	rows, err := aimdb.QueryRange[json.RawMessage](o.t.Context(), o.DB, "#", time.Time{}, time.Time{})
	if err != nil {
		o.t.Fatal(err)
	}
	got, want := map[string][]string{}, map[string][]string{}
	for _, r := range rows {
		got[r.Record] = append(got[r.Record], line(r))
	}
	for key, lines := range has.Records {
		want[key] = slices.Clone(lines)
		slices.SortStableFunc(want[key], func(a, b string) int { return cmp.Compare(a[:13], b[:13]) })
	}
	same(o.t, "the history by time", got, want)
}

// checkLatest looks at what the records were given back at the start.
func (o *oldDB) checkLatest(has oldData) {
	o.t.Helper()
	for key, want := range has.Latest {
		_, want, _ := strings.Cut(want, " ")
		if got, ok := o.records[key].Latest(); !ok || string(got) != want {
			o.t.Errorf("record %s starts with %s, want %s", key, got, want)
		}
	}
}

// checkLedger reads the losses and the dead letters.
func (o *oldDB) checkLedger(has oldData) {
	o.t.Helper()
	var losses []oldLoss
	for l, err := range o.store.Losses(o.t.Context()) {
		if err != nil {
			o.t.Fatal(err)
		}
		one := oldLoss{Record: l.Record, Cause: string(l.Cause), Count: l.Count, From: l.From, To: l.To}
		if one.Cause == "sink_refused" {
			one.From, one.To = 0, 0 // sequences of the log
		}
		losses = append(losses, one)
	}
	order := func(a, b oldLoss) int { return cmp.Compare(fmt.Sprint(a), fmt.Sprint(b)) }
	slices.SortFunc(losses, order)
	slices.SortFunc(has.Losses, order)
	if !slices.Equal(losses, has.Losses) {
		o.t.Errorf("the ledger has %+v, want %+v", losses, has.Losses)
	}
	letters := map[string][]int{}
	for r, err := range o.store.DeadLetters(o.t.Context()) {
		var v struct{ N int }
		if err == nil {
			err = json.Unmarshal(r.Value, &v)
		}
		if err != nil {
			o.t.Fatal(err)
		}
		letters[r.Record] = append(letters[r.Record], v.N)
	}
	if !maps.EqualFunc(letters, has.DeadLetters, slices.Equal) {
		o.t.Errorf("the dead letters are %v, want %v", letters, has.DeadLetters)
	}
}

// checkStored reads the file itself, in the order in which rows were stored.
func checkStored(t *testing.T, dir string, has oldData) {
	t.Helper()
	db, err := sql.Open("sqlite", "file:"+filepath.Join(dir, "history.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	rows, err := db.Query("SELECT record_name, stored_at || ' ' || value_json FROM record_history ORDER BY id")
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	got := map[string][]string{}
	for rows.Next() {
		var key, text string
		if err := rows.Scan(&key, &text); err != nil {
			t.Fatal(err)
		}
		got[key] = append(got[key], text)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	same(t, "the history as it was stored", got, has.Records)
}

func same(t *testing.T, what string, got, want map[string][]string) {
	t.Helper()
	for key := range want {
		if !slices.Equal(got[key], want[key]) {
			t.Errorf("%s: record %s has\n%s\nwant\n%s", what, key, strings.Join(got[key], "\n"), strings.Join(want[key], "\n"))
		}
	}
	for key := range got {
		if want[key] == nil {
			t.Errorf("%s: record %s should not be there", what, key)
		}
	}
}

// A position that an earlier version gave out goes on with what follows it.
func TestOldPositionsGoOn(t *testing.T) {
	eachFixture(t, func(t *testing.T, dir string, has oldData) {
		o := openOld(t, dir, has)
		for _, p := range has.Positions {
			o.send(has) // the last of what follows
			want := has.Records[p.Record][p.After:]
			var got []string
			for event, err := range aimdb.FollowAfter[json.RawMessage](t.Context(), o.DB, p.Text) {
				if err != nil {
					t.Fatalf("after value %d of %s: %v", p.After, p.Record, err)
				}
				if event.CaughtUp {
					continue
				}
				if got = append(got, line(event.Row)); len(got) == len(want) {
					break
				}
			}
			if !slices.Equal(got, want) {
				t.Errorf("after value %d of %s follow\n%s\nwant\n%s", p.After, p.Record, strings.Join(got, "\n"), strings.Join(want, "\n"))
			}
		}
	})
}

// A cursor that an earlier version gave out is refused by name.
func TestOldCursorsAreRefused(t *testing.T) {
	eachFixture(t, func(t *testing.T, dir string, has oldData) {
		o := openOld(t, dir, has)
		for _, c := range has.Cursors {
			_, err := aimdb.QueryPage[json.RawMessage](t.Context(), o.DB, aimdb.PageQuery{Pattern: c.Record, Limit: c.Limit, Cursor: c.Text})
			if query := (*history.QueryError)(nil); !errors.Is(err, history.ErrBadCursor) || !errors.As(err, &query) {
				t.Errorf("cursor %s ends with %v", c.Text, err)
			}
		}
	})
}

// A program that is older than the data refuses it, changes nothing, and names
// both versions.
func TestDataOfANewerVersionIsRefused(t *testing.T) {
	eachFixture(t, func(t *testing.T, dir string, has oldData) {
		openOld(t, dir, has).stop() // brings it to the version of this program
		path := filepath.Join(dir, "history.db")
		ours := raiseVersion(t, path)
		before, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		_, err = sqlite.Open(path)
		if !errors.Is(err, sqlite.ErrNewer) {
			t.Fatalf("opening it ends with %v", err)
		}
		for _, want := range []string{path, fmt.Sprintf("version %d ", ours+1), fmt.Sprintf("up to %d;", ours)} {
			if !strings.Contains(err.Error(), want) {
				t.Errorf("the error says %q, want %q in it", err, want)
			}
		}
		if after, err := os.ReadFile(path); err != nil || string(after) != string(before) {
			t.Errorf("the history has changed (%v)", err)
		}
	})
}

// raiseVersion makes a history one of the next version, and returns the one
// that it had.
func raiseVersion(t *testing.T, path string) (version int) {
	t.Helper()
	db, err := sql.Open("sqlite", "file:"+path)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if err := db.QueryRow("SELECT CAST(value AS INTEGER) FROM aimdb_meta WHERE key = 'schema_version'").Scan(&version); err != nil {
		t.Fatal(err)
	}
	if _, err := db.Exec("UPDATE aimdb_meta SET value = ? WHERE key = 'schema_version'", fmt.Sprint(version+1)); err != nil {
		t.Fatal(err)
	}
	return version
}
