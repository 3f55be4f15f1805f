package integration

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/aimdb-go/aimdb"
	"github.com/aimdb-go/aimdb/sinks/sqlite"
)

// Each trial begins with a copy of one of these directories. Each record has the
// numbers 1 to damageLast in the log; the history has all of them, or those up to
// damageStored.
const (
	damageStored = 60
	damageLast   = 200
)

// damageBase is a directory before it is damaged.
type damageBase struct {
	name string
	dir  string
	// lags says that the history ends at damageStored; killed that the process did
	// not stop by itself.
	lags, killed bool
	options      []aimdb.Option
}

// damageBases makes the directories: with blocks of 32 KB and with one block, the
// sink caught up and lagging, the process stopped and killed.
func damageBases(t *testing.T) (all []damageBase) {
	t.Helper()
	for _, limits := range []struct {
		name  string
		bytes int64
	}{{"small blocks", 127_000}, {"one block", 1 << 30}} {
		for _, killed := range []bool{false, true} {
			for _, lags := range []bool{false, true} {
				b := damageBase{
					name: fmt.Sprintf("%s, killed %v, lagging %v", limits.name, killed, lags),
					dir:  t.TempDir(), lags: lags, killed: killed,
					options: []aimdb.Option{aimdb.LogLimits(30*24*time.Hour, limits.bytes)},
				}
				b.make(t, limits.bytes)
				all = append(all, b)
			}
		}
	}
	return all
}

func (b *damageBase) setup(dir string) setup { return setup{dir: dir, options: b.options} }

func (b *damageBase) make(t *testing.T, logBytes int64) {
	t.Helper()
	visit(t, b.setup(b.dir), 1, damageStored)
	older := filepath.Join(t.TempDir(), "history.db")
	copyFile(t, filepath.Join(b.dir, "history.db"), older)
	if b.killed {
		killAfterFlush(t, b.dir, damageStored+1, damageLast, logBytes)
	} else {
		visit(t, b.setup(b.dir), damageStored+1, damageLast)
	}
	if b.lags {
		for _, suffix := range []string{"-wal", "-shm"} {
			if err := os.RemoveAll(filepath.Join(b.dir, "history.db"+suffix)); err != nil {
				t.Fatal(err)
			}
		}
		copyFile(t, older, filepath.Join(b.dir, "history.db"))
	}
}

func copyFile(t *testing.T, from, to string) {
	t.Helper()
	data, err := os.ReadFile(from)
	if err == nil {
		err = os.WriteFile(to, data, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// killAfterFlush has a child process store numbers, and kills it.
func killAfterFlush(t *testing.T, dir string, first, last int, logBytes int64) {
	t.Helper()
	cmd := exec.Command(os.Args[0], dir, strconv.Itoa(first), strconv.Itoa(last), strconv.FormatInt(logBytes, 10))
	cmd.Env, cmd.Stderr = append(os.Environ(), childVariable+"=flusher"), os.Stderr
	out, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	_, err = bufio.NewReader(out).ReadString('\n')
	if killed := cmd.Process.Signal(syscall.SIGKILL); err != nil || killed != nil {
		t.Fatalf("the child: %v, %v", err, killed)
	}
	if cmd.Wait() == nil {
		t.Fatal("the child ended by itself")
	}
}

// runFlusher is the child: it stores the numbers from first to last, prints a line,
// and waits to be killed.
func runFlusher(args []string) error {
	var first, last int
	var logBytes int64
	if _, err := fmt.Sscan(args[1]+" "+args[2]+" "+args[3], &first, &last, &logBytes); err != nil {
		return err
	}
	store, err := sqlite.Open(filepath.Join(args[0], "history.db"))
	if err != nil {
		return err
	}
	db, err := aimdb.New(aimdb.Name("kill"), aimdb.Dir(args[0]), aimdb.WithPersistence(store, 0), aimdb.LogLimits(30*24*time.Hour, logBytes))
	if err != nil {
		return err
	}
	var all []*aimdb.Record[numbered]
	for _, key := range writerKeys() {
		r, err := aimdb.Register[numbered](db, key, aimdb.Ring(64), aimdb.Persist(), aimdb.Lossless(aimdb.LogReader))
		if err != nil {
			return err
		}
		all = append(all, r)
	}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	ended := make(chan error, 1)
	go func() { ended <- db.Run(ctx) }()
	<-db.Ready()
	for n := first; n <= last; n++ {
		for _, r := range all {
			if err := r.Send(ctx, numbered{n}); err != nil {
				return err
			}
		}
	}
	if err := db.Flush(ctx); err != nil {
		return err
	}
	fmt.Println("stored")
	return <-ended
}
