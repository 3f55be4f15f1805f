package hub

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/aimdb-go/aimdb"
	"github.com/aimdb-go/aimdb/httpapi"
	"github.com/aimdb-go/aimdb/internal/testrun"
	"github.com/aimdb-go/aimdb/sinks/sqlite"
)

// counterVariable makes the test binary be a counter instead. Its value is the directory
// of the data.
const counterVariable = "AIMDB_TEST_COUNTER"

// burst is how many values of each record a counter sends for each line that it prints.
const burst = 20

func TestMain(m *testing.M) {
	dir := os.Getenv(counterVariable)
	if dir == "" {
		os.Exit(testrun.Waiting(m))
	}
	if err := runCounter(dir, os.Args[1]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// runCounter serves a page and counts for ever. It prints each number that is logged in
// every record, after each burst.
func runCounter(dir, address string) error {
	store, err := sqlite.Open(filepath.Join(dir, "history.db"))
	if err != nil {
		return err
	}
	mux := http.NewServeMux()
	mux.Handle("/", htmlPage("<title>empty</title>"))
	db, err := aimdb.New(aimdb.Name("hub"), aimdb.Dir(dir), aimdb.WithPersistence(store, 0), aimdb.HTTP(address, mux))
	if err != nil {
		return err
	}
	mux.Handle("/api/", httpapi.New(db))
	var all []*aimdb.Record[numbered]
	for _, key := range counterKeys() {
		r, err := aimdb.Register[numbered](db, key, aimdb.Ring(64), aimdb.Persist(), aimdb.Remote(), aimdb.Lossless(aimdb.LogReader))
		if err != nil {
			return err
		}
		all = append(all, r)
	}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	counted := make(chan error, 1)
	go func() {
		defer cancel()
		<-db.Ready()
		counted <- count(ctx, all)
	}()
	if err := db.Run(ctx); err != nil {
		return err // it may have ended before it was ready
	}
	return <-counted
}

// count goes on after the last number in the history. After a kill
// between two records one of them has a value less, so each counts by itself.
func count(ctx context.Context, all []*aimdb.Record[numbered]) error {
	var next []int
	for _, r := range all {
		last, _ := r.Latest()
		next = append(next, last.N+1)
	}
	for {
		logged := next[0] + burst - 1
		for i, r := range all {
			for range burst - 1 {
				if err := r.Send(ctx, numbered{next[i]}); err != nil {
					return err
				}
				next[i]++
			}
			if err := r.ProduceLogged(ctx, numbered{next[i]}); err != nil {
				return err
			}
			logged = min(logged, next[i])
			next[i]++
		}
		fmt.Println(logged)
		<-time.After(100 * time.Millisecond) // the page shares the processor with it
	}
}

// counter is a process that counts.
type counter struct {
	cmd    *exec.Cmd
	lines  *bufio.Scanner
	stderr bytes.Buffer
	logged int
}

// startCounter returns when a burst is logged.
func startCounter(t *testing.T, dir, address string) *counter {
	t.Helper()
	c := &counter{cmd: exec.CommandContext(t.Context(), os.Args[0], address)}
	c.cmd.Env = append(os.Environ(), counterVariable+"="+dir)
	c.cmd.Stderr = &c.stderr
	stdout, err := c.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	c.lines = bufio.NewScanner(stdout)
	if !c.scan() {
		t.Fatalf("the counter ended by itself (%v):\n%s", c.cmd.Wait(), c.stderr.String())
	}
	return c
}

func (c *counter) scan() bool {
	if !c.lines.Scan() {
		return false
	}
	if n, err := strconv.Atoi(c.lines.Text()); err == nil { // the last line may be cut off
		c.logged = n
	}
	return true
}

// kill returns the last number that was logged in every record.
func (c *counter) kill(t *testing.T) int {
	t.Helper()
	if err := c.cmd.Process.Kill(); err != nil && !errors.Is(err, os.ErrProcessDone) {
		t.Fatal(err)
	}
	for c.scan() {
	}
	if err := c.cmd.Wait(); c.cmd.ProcessState.Exited() {
		t.Fatalf("the counter ended by itself (%v):\n%s", err, c.stderr.String())
	}
	return c.logged
}

// A page gets each value once and in order, however often the server is killed.
func TestBrowserResumesAfterKills(t *testing.T) {
	t.Parallel()
	browser := chromium(t)
	dir, address := t.TempDir(), freeAddress(t)
	c := startCounter(t, dir, address)
	goTo(t, browser, "http://"+address+"/")
	await(t, browser, counting)
	logged := 0
	for range 4 {
		<-time.After(time.Duration(rand.IntN(1500)) * time.Millisecond) // the moment of the kill
		logged = c.kill(t)
		until(t, browser, "that the connection is lost", `counting.sub.state === "lost"`)
		c = startCounter(t, dir, address)
		until(t, browser, "the connection again", `counting.wrong.length || counting.sub.state === "open"`)
	}
	want := map[string]int{}
	for _, key := range counterKeys() {
		want[key] = logged + 2*burst // some of the last server too
	}
	counted(t, browser, want)
	c.kill(t)
}

// freeAddress returns a loopback address that nothing listens on.
func freeAddress(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}
