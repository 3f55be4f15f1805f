package integration

import (
	"bufio"
	"context"
	"database/sql"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/aimdb-go/aimdb"
	"github.com/aimdb-go/aimdb/sinks/sqlite"
)

// runLocker is a child process that holds a history locked until its standard
// input ends.
func runLocker(args []string) error {
	driver, source, locks := "sqlite", "file:"+filepath.Join(args[0], "history.db")+"?_busy_timeout=60000", []string{"BEGIN EXCLUSIVE"}
	if inPostgres(args[0]) {
		driver, source, locks = "pgx", args[0], []string{"BEGIN", "LOCK TABLE aimdb.record_history IN EXCLUSIVE MODE"}
	}
	db, err := sql.Open(driver, source)
	if err != nil {
		return err
	}
	defer db.Close()
	conn, err := db.Conn(context.Background())
	if err != nil {
		return err
	}
	for _, text := range locks {
		if _, err := conn.ExecContext(context.Background(), text); err != nil {
			return err
		}
	}
	fmt.Println("locked")
	if _, err := io.Copy(io.Discard, os.Stdin); err != nil {
		return err
	}
	_, err = conn.ExecContext(context.Background(), "ROLLBACK")
	return err
}

// lockHistory has another process lock a history; unlock ends that.
func lockHistory(t *testing.T, history string) (unlock func()) {
	t.Helper()
	cmd := exec.Command(os.Args[0], history)
	cmd.Env = append(os.Environ(), childVariable+"=locker")
	cmd.Stderr = os.Stderr
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	done := false
	unlock = func() {
		if done {
			return
		}
		done = true
		_ = stdin.Close() // its end shows in Wait
		if err := cmd.Wait(); err != nil {
			t.Errorf("the process with the lock: %v", err)
		}
	}
	t.Cleanup(unlock)
	if line, err := bufio.NewReader(stdout).ReadString('\n'); line != "locked\n" {
		t.Fatalf("another process did not get the lock: %q, %v", line, err)
	}
	return unlock
}

// lockFor is how long a history stays locked.
func lockFor() time.Duration {
	if soaking() {
		return 10 * time.Second
	}
	return time.Second
}

// lockTimed returns a history that gives up soon where somebody else has it locked, and
// what it says then.
func lockTimed(history string) (timed, says string) {
	if inPostgres(history) {
		return history + "&lock_timeout=100", "lock timeout"
	}
	return history, "another process has the file locked"
}

// Another process that has the history locked holds up nobody who writes; the
// values wait in the log.
func TestHistoryLockedByAnotherProcess(t *testing.T) {
	t.Parallel()
	eachStore(t, historyLocked)
}

func historyLocked(t *testing.T, dir, history string) {
	history, says := lockTimed(history)
	p := admit(t, setup{dir: dir, history: history, store: []sqlite.Option{sqlite.BusyTimeout(100 * time.Millisecond)}})
	p.send(1, 200)
	p.flush()
	unlock := lockHistory(t, history)
	held := time.After(lockFor())
	p.send(201, 5000)
	p.awaitState(says)
	<-held // the fault lasts this long
	p.awaitState(says)
	unlock()
	p.recovered(history, 5000)
}

// A log that reaches its limit while the history is locked loses its oldest
// values, and the ledger says exactly which.
func TestLogLimitWhileTheHistoryIsLocked(t *testing.T) {
	t.Parallel()
	eachStore(t, logLimitWhileLocked)
}

func logLimitWhileLocked(t *testing.T, dir, history string) {
	history, says := lockTimed(history)
	key := "n::a"
	p := admit(t, setup{
		dir: dir, history: history, keys: []string{key},
		store:   []sqlite.Option{sqlite.BusyTimeout(100 * time.Millisecond)},
		options: []aimdb.Option{aimdb.LogLimits(time.Hour, 256<<10)},
	})
	p.send(1, 200)
	p.flush()
	unlock := lockHistory(t, history)
	const last = 24_000 // some four times what the log and the pump can hold
	p.send(201, last)
	p.awaitState(says)
	unlock()
	p.flush()
	stats, err := p.store.Stats(t.Context())
	if err != nil {
		t.Error(err)
	}
	if m := p.records[0].Untyped().Metrics(); m.Dropped > 0 || m.Lost > 0 {
		t.Errorf("%d values were dropped and %v lost, want only what the log discarded, which the record does not count", m.Dropped, m.LostBy)
	}
	p.stop()
	db := openSQL(t, history)
	losses := ledger(t, db)
	for _, l := range losses {
		if l.cause != "log_discarded" {
			t.Errorf("loss %+v, want only what the log discarded", l)
		}
	}
	// With one record and nothing but values in the log, the sequences of the
	// log are the numbers of the values, and both tell the same.
	ranges, shares := map[string][]lossRow{}, 0
	for _, l := range losses {
		ranges[l.record] = append(ranges[l.record], l)
	}
	for _, record := range []string{"", key} {
		_, shares = checkComplete(t, db, key, last, ranges[record])
		if shares == 0 {
			t.Errorf("the limit had no effect that the ledger tells of record %q", record)
		}
	}
	if stats.Lost != uint64(shares) {
		t.Errorf("the history counts %d values lost, want %d", stats.Lost, shares)
	}
}
