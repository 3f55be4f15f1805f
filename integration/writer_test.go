package integration

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/aimdb-go/aimdb"
)

// numbered is what the writer writes: 1, 2, 3 and so on in each record.
type numbered struct {
	N int `json:"n"`
}

func writerKeys() []string { return []string{"n::a", "n::b", "n::c"} }

// keptRows is how many rows of a record "pruning" keeps.
const keptRows = 200

// burst is how many values the writer sends for each acknowledgement.
const burst = 20

// runWriter is a child process that writes numbered values for ever and prints
// each number that was acknowledged as logged. It goes on behind the last
// number in the history. A third argument "durable" asks for the log to sync,
// "pruning" for a history that is pruned all the time, "stored" to acknowledge
// only what is in the history, "served" for a gateway at the socket "s" and a pause after
// each burst.
func runWriter(args []string) error {
	dir, history, mode := args[0], args[1], args[2]
	logger := slog.New(slog.NewTextHandler(os.Stderr, nil))
	store, err := openBackend(context.Background(), history, logger)
	if err != nil {
		return err
	}
	opts := []aimdb.Option{
		aimdb.Name("kill"), aimdb.Dir(dir), aimdb.WithPersistence(store, 0), aimdb.Logger(logger),
	}
	recordOpts := []aimdb.RecordOption{aimdb.Ring(64), aimdb.Persist(), aimdb.Lossless(aimdb.LogReader)}
	if mode == "durable" {
		opts = append(opts, aimdb.DurableLog())
		recordOpts = append(recordOpts, aimdb.Durable())
	}
	if mode == "pruning" {
		opts = append(opts, aimdb.Retain("n::*", aimdb.Retention{MaxRows: keptRows}), aimdb.SweepEvery(time.Millisecond))
	}
	if mode == "served" {
		opts = append(opts, aimdb.Gateway(filepath.Join(dir, "s")))
		recordOpts = append(recordOpts, aimdb.Remote())
	}
	db, err := aimdb.New(opts...)
	if err != nil {
		return err
	}
	var all []*aimdb.Record[numbered]
	for _, key := range writerKeys() {
		r, err := aimdb.Register[numbered](db, key, recordOpts...)
		if err != nil {
			return err
		}
		all = append(all, r)
	}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	promised := func(r *aimdb.Record[numbered], n int) error { return r.ProduceLogged(ctx, numbered{n}) }
	if mode == "stored" {
		promised = func(r *aimdb.Record[numbered], n int) error {
			if err := r.Send(ctx, numbered{n}); err != nil {
				return err
			}
			return db.Flush(ctx)
		}
	}
	if mode == "served" { // many followers share the processor with it
		promised = func(r *aimdb.Record[numbered], n int) error {
			if err := r.ProduceLogged(ctx, numbered{n}); err != nil {
				return err
			}
			<-time.After(100 * time.Millisecond)
			return nil
		}
	}
	var out sync.Mutex
	for _, r := range all {
		go func() {
			<-db.Ready()
			if err := count(ctx, r, promised, &out); err != nil && !errors.Is(err, context.Canceled) {
				fmt.Fprintln(os.Stderr, "writer:", r.Key(), err)
				cancel()
			}
		}()
	}
	return db.Run(ctx)
}

func count(ctx context.Context, r *aimdb.Record[numbered], promised func(*aimdb.Record[numbered], int) error, out *sync.Mutex) error {
	last, _ := r.Latest()
	for n := last.N + 1; ; n++ {
		if n%burst != 0 {
			if err := r.Send(ctx, numbered{n}); err != nil {
				return err
			}
			continue
		}
		if err := promised(r, n); err != nil {
			return err
		}
		out.Lock()
		fmt.Println(r.Key(), n)
		out.Unlock()
	}
}

// child is a running child process.
type child struct {
	cmd    *exec.Cmd
	stderr said
	mu     sync.Mutex
	// acked is the greatest acknowledged number of each record.
	acked map[string]int
	lines chan struct{}
	done  chan struct{}
}

func startWriter(t *testing.T, dir, history, mode string) *child {
	t.Helper()
	return startChild(t, "writer", dir, history, mode)
}

// startChild starts this binary as a child process that prints names and numbers.
func startChild(t *testing.T, program string, args ...string) *child {
	t.Helper()
	c := &child{
		cmd:   exec.Command(os.Args[0], args...),
		acked: map[string]int{}, lines: make(chan struct{}, 1), done: make(chan struct{}),
	}
	c.cmd.Env = append(os.Environ(), childVariable+"="+program)
	c.cmd.Stderr = &c.stderr
	stdout, err := c.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go c.read(stdout)
	t.Cleanup(func() { c.signal(syscall.SIGKILL) })
	return c
}

func (c *child) read(stdout io.Reader) {
	defer close(c.done)
	for scanner := bufio.NewScanner(stdout); scanner.Scan(); {
		var key string
		var n int
		if _, err := fmt.Sscan(scanner.Text(), &key, &n); err != nil {
			continue // the last line may be cut off by the kill
		}
		c.mu.Lock()
		c.acked[key] = max(c.acked[key], n)
		c.mu.Unlock()
		select {
		case c.lines <- struct{}{}:
		default:
		}
	}
}

// signal ends the child and waits until it is gone. It may be called again.
func (c *child) signal(s os.Signal) error {
	if err := c.cmd.Process.Signal(s); err != nil {
		return nil // it has ended already
	}
	<-c.done
	return c.cmd.Wait()
}

// awaitAck waits for an acknowledgement.
func (c *child) awaitAck(t *testing.T) {
	t.Helper()
	select {
	case <-c.lines:
	case <-c.done:
		err := c.cmd.Wait() // what it said is complete then
		t.Fatalf("the writer ended by itself (%v):\n%s", err, strings.TrimSpace(c.stderr.String()))
	case <-time.After(time.Minute):
		t.Fatalf("the writer has nothing acknowledged for a minute; it said:\n%s", c.said())
	}
}

// forgetAcks lets awaitAck wait for an acknowledgement that comes after this call.
func (c *child) forgetAcks() {
	select {
	case <-c.lines:
	default:
	}
}

// said ends the child and returns what it wrote to stderr.
func (c *child) said() string {
	_ = c.signal(syscall.SIGKILL) // what it said is what is asked for
	return c.stderr.String()
}

// merge adds what this child had acknowledged to a total.
func (c *child) merge(total map[string]int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for key, n := range c.acked {
		total[key] = max(total[key], n)
	}
}
