package integration

import (
	"database/sql"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
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
	for _, mode := range []string{"logged", "durable"} {
		t.Run(mode, func(t *testing.T) {
			dir := t.TempDir()
			acked := map[string]int{}
			seed := uint64(time.Now().UnixNano())
			t.Logf("seed %d", seed)
			moments := rand.New(rand.NewPCG(seed, 0))
			for range rounds(t, 12) {
				w := startWriter(t, dir, mode)
				// Some rounds are killed while they start.
				if moments.IntN(4) > 0 {
					w.awaitAck(t)
				}
				<-time.After(time.Duration(moments.IntN(60)) * time.Millisecond) // the moment of the kill, not a wait for something
				if err := w.signal(syscall.SIGKILL); err == nil {
					t.Fatalf("the writer ended by itself:\n%s", w.stderr.String())
				}
				w.merge(acked)
			}
			settle(t, dir, mode)
			checkNumbers(t, dir, acked)
		})
	}
}

// settle starts the writer once more: it serves after all that was in the log is
// stored.
func settle(t *testing.T, dir, mode string) {
	t.Helper()
	w := startWriter(t, dir, mode)
	w.awaitAck(t)
	_ = w.signal(syscall.SIGKILL) // it is what was before that counts
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("the writer said at a start:\n%s", w.stderr.String())
		}
	})
}

// checkNumbers checks that each record holds 1, 2, 3 and so on, in this order,
// each once, up to what was acknowledged at least.
func checkNumbers(t *testing.T, dir string, acked map[string]int) {
	t.Helper()
	db, err := sql.Open("sqlite", "file:"+filepath.Join(dir, "history.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	var verdict string
	if err := db.QueryRow("PRAGMA integrity_check").Scan(&verdict); err != nil || verdict != "ok" {
		t.Errorf("integrity check: %q, %v", verdict, err)
	}
	for _, key := range writerKeys() {
		n, err := consecutive(db, key)
		if err != nil {
			t.Errorf("record %s: %v", key, err)
		}
		if n < acked[key] {
			t.Errorf("record %s: %d values stored, but %d were acknowledged", key, n, acked[key])
		}
		t.Logf("record %s: %d stored, %d acknowledged", key, n, acked[key])
	}
}

// consecutive returns how many values a record has, if they count up from 1.
func consecutive(db *sql.DB, key string) (int, error) {
	first, last, err := span(db, key)
	if err == nil && first > 1 {
		err = fmt.Errorf("it starts at %d", first)
	}
	return last, err
}

// span returns the first and the last value of a record, if they count up.
func span(db *sql.DB, key string) (first, last int, err error) {
	rows, err := db.Query("SELECT json_extract(value_json, '$.n') FROM record_history WHERE record_name = ? ORDER BY id", key)
	if err != nil {
		return 0, 0, err
	}
	defer rows.Close()
	for rows.Next() {
		var n int
		if err := rows.Scan(&n); err != nil {
			return first, last, err
		}
		if first == 0 {
			first, last = n, n-1
		}
		if n != last+1 {
			return first, last, fmt.Errorf("%d follows %d", n, last)
		}
		last = n
	}
	return first, last, rows.Err()
}
