package integration

import (
	"database/sql"
	"encoding/json"
	"fmt"
	"os"
	"strconv"
	"syscall"
	"testing"
	"time"
)

// rounds returns how often to repeat something: a few times as a test, and as
// often as AIMDB_ROUNDS says in a soak.
func rounds(t *testing.T, usual int) int {
	t.Helper()
	text := os.Getenv("AIMDB_ROUNDS")
	if text == "" {
		return usual
	}
	n, err := strconv.Atoi(text)
	if err != nil {
		t.Fatalf("AIMDB_ROUNDS: %v", err)
	}
	return n
}

// A process that is killed while it writes loses nothing that was acknowledged,
// stores nothing twice and keeps the order.
func TestKillWhileWriting(t *testing.T) {
	t.Parallel()
	for _, mode := range []string{"logged", "durable"} {
		t.Run(mode, func(t *testing.T) {
			eachStore(t, func(t *testing.T, dir, history string) {
				acked := map[string]int{}
				moments := randomMoments(t)
				for range rounds(t, 8/slower) {
					w := startWriter(t, dir, history, mode)
					// Some rounds are killed while they start.
					if moments.IntN(4) > 0 {
						w.awaitAck(t)
					}
					killAfter(t, w, time.Duration(moments.IntN(60))*time.Millisecond)
					w.merge(acked)
				}
				settle(t, dir, history, mode)
				checkNumbers(t, history, acked)
			})
		})
	}
}

// settle starts the writer once more: it serves after all that was in the log is
// stored. Nothing changes in the history afterwards.
func settle(t *testing.T, dir, history, mode string) {
	t.Helper()
	w := startWriter(t, dir, history, mode)
	w.awaitAck(t)
	_ = w.signal(syscall.SIGKILL) // it is what was before that counts
	awaitUnused(t, history)
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("the writer said at a start:\n%s", w.stderr.String())
		}
	})
}

// checkNumbers checks that each record holds 1, 2, 3 and so on, in this order,
// each once, up to what was acknowledged at least.
func checkNumbers(t *testing.T, history string, acked map[string]int) {
	t.Helper()
	db := openSQL(t, history)
	defer db.Close()
	checkIntegrity(t, db, history)
	stored := storedNumbers(t, db)
	for _, key := range writerKeys() {
		n, err := consecutive(stored[key])
		if err != nil {
			t.Errorf("record %s: %v", key, err)
		}
		if n < acked[key] {
			t.Errorf("record %s: %d values stored, but %d were acknowledged", key, n, acked[key])
		}
		t.Logf("record %s: %d stored, %d acknowledged", key, n, acked[key])
	}
}

// checkIntegrity has SQLite check its file. PostgreSQL has no such check.
func checkIntegrity(t *testing.T, db *sql.DB, history string) {
	t.Helper()
	if inPostgres(history) {
		return
	}
	var verdict string
	if err := db.QueryRow("PRAGMA integrity_check").Scan(&verdict); err != nil || verdict != "ok" {
		t.Errorf("integrity check: %q, %v", verdict, err)
	}
}

// storedNumbers returns the values of each record, in the order of their storing.
func storedNumbers(t *testing.T, db *sql.DB) map[string][]int {
	t.Helper()
	all := map[string][]int{}
	eachRow(t, db, func(key string, v numbered) { all[key] = append(all[key], v.N) })
	return all
}

// eachRow calls a function with each row, in the order of their storing.
func eachRow[T any](t *testing.T, db *sql.DB, value func(key string, v T)) {
	t.Helper()
	rows, err := db.Query("SELECT record_name, value_json FROM record_history ORDER BY id")
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		var key, text string
		var v T
		if err := rows.Scan(&key, &text); err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal([]byte(text), &v); err != nil {
			t.Fatalf("record %s has the value %q: %v", key, text, err)
		}
		value(key, v)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
}

// consecutive returns how many numbers there are, if they count up from 1.
func consecutive(numbers []int) (int, error) {
	first, last, err := span(numbers)
	if err == nil && first > 1 {
		err = fmt.Errorf("it starts at %d", first)
	}
	return last, err
}

// span returns the first and the last number, if they count up.
func span(numbers []int) (first, last int, err error) {
	for _, n := range numbers {
		if first == 0 {
			first, last = n, n-1
		}
		if n != last+1 {
			return first, last, fmt.Errorf("%d follows %d", n, last)
		}
		last = n
	}
	return first, last, nil
}
