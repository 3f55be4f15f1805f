package main

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	embedded "github.com/aimdb-go/aimdb"
	"github.com/aimdb-go/aimdb/history"
	"github.com/aimdb-go/aimdb/internal/natstest"
	"github.com/aimdb-go/aimdb/sinks/process"
	"github.com/aimdb-go/aimdb/sinks/sqlite"
)

// elsewhereWorld is a database whose log is on a NATS server of its own, and whose sinks
// are processes. The database is in the process of the test.
type elsewhereWorld struct {
	t      *testing.T
	server *natstest.Server
	dir    string

	db      *embedded.DB
	numbers *embedded.Record[int]
	hidden  *embedded.Record[int]
	live    *embedded.Record[int]
	stopDB  func()
	// produced is the last value that the log has.
	produced atomic.Int64
}

func newWorld(t *testing.T) *elsewhereWorld {
	t.Helper()
	w := &elsewhereWorld{t: t, server: natstest.Start(t, natstest.Options{}), dir: t.TempDir()}
	w.startDB()
	return w
}

func (w *elsewhereWorld) startDB() {
	w.t.Helper()
	var err error
	w.db, err = embedded.New(embedded.Name("hub"), embedded.Dir(filepath.Join(w.dir, "data")), embedded.Log(embedded.Cluster{URLs: []string{w.server.URL}}),
		embedded.Logger(slog.New(slog.NewTextHandler(w.t.Output(), nil))))
	if err != nil {
		w.t.Fatal(err)
	}
	if w.numbers, err = embedded.Register[int](w.db, "n::a", embedded.Ring(1000), embedded.Persist(), embedded.Remote()); err != nil {
		w.t.Fatal(err)
	}
	if w.hidden, err = embedded.Register[int](w.db, "hidden", embedded.Ring(1000), embedded.Persist()); err != nil {
		w.t.Fatal(err)
	}
	if w.live, err = embedded.Register[int](w.db, "live", embedded.Ring(1000), embedded.Remote()); err != nil {
		w.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- w.db.Run(ctx) }()
	var once sync.Once
	w.stopDB = func() {
		once.Do(func() {
			cancel()
			if err := <-ended; err != nil {
				w.t.Error(err)
			}
		})
	}
	w.t.Cleanup(w.stopDB)
	select {
	case <-w.db.Ready():
	case <-time.After(time.Minute):
		w.t.Fatal("the database is not ready")
	}
}

// produce logs the next n numbers.
func (w *elsewhereWorld) produce(n int) {
	w.t.Helper()
	for range n {
		next := w.produced.Load() + 1
		if err := w.numbers.ProduceLogged(w.t.Context(), int(next)); err != nil {
			w.t.Error(err)
			return
		}
		w.produced.Store(next)
	}
}

// load produces until it is stopped.
func (w *elsewhereWorld) load() (stop func()) {
	var over atomic.Bool
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for !over.Load() {
			w.produce(1)
		}
	}()
	return func() { over.Store(true); <-ended }
}

// args are those that every command about the log needs.
func (w *elsewhereWorld) args(more ...string) []string {
	more = append(more, "--nats-url", w.server.URL)
	if slices.Contains(more, "--name") {
		return more
	}
	return append(more, "--name", "hub")
}

// child is a command that runs until it is stopped.
type child struct {
	t    *testing.T
	cmd  *exec.Cmd
	mu   sync.Mutex
	said bytes.Buffer
	once sync.Once
	err  error
}

// Write collects what the child says.
func (c *child) Write(p []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.said.Write(p)
}

func (c *child) output() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.said.String()
}

var _ io.Writer = (*child)(nil)

func (w *elsewhereWorld) start(args ...string) *child {
	w.t.Helper()
	c := &child{t: w.t, cmd: exec.Command(os.Getenv(binaryVariable), w.args(args...)...)}
	c.cmd.Dir, c.cmd.Stdout, c.cmd.Stderr = w.dir, c, c
	if err := c.cmd.Start(); err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() {
		c.kill()
		if w.t.Failed() {
			w.t.Logf("%v said:\n%s", args, c.output())
		}
	})
	return c
}

// sink starts a sink and waits until it says a word.
func (w *elsewhereWorld) sink(kind, to, says string, more ...string) *child {
	w.t.Helper()
	c := w.start(append([]string{"sink", "run", kind, "--to", to}, more...)...)
	c.says(says)
	return c
}

func (c *child) says(text string) {
	c.t.Helper()
	soon(c.t, "it says "+text, func() bool { return strings.Contains(c.output(), text) })
}

// kill kills the process, and waits for its end.
func (c *child) kill() {
	c.once.Do(func() {
		_ = c.cmd.Process.Kill() // it may have ended
		c.err = c.cmd.Wait()
	})
}

// interrupt ends the process in order.
func (c *child) interrupt() {
	c.t.Helper()
	c.once.Do(func() {
		if err := c.cmd.Process.Signal(os.Interrupt); err != nil {
			c.t.Error(err)
		}
		if c.err = c.cmd.Wait(); c.err != nil {
			c.t.Errorf("it ended with %v", c.err)
		}
	})
}

// states lists the sinks.
func (w *elsewhereWorld) states() (all []process.State) {
	w.t.Helper()
	r := aimdb(w.t, w.args("sink", "list", "--format", "ndjson")...)
	for line := range strings.Lines(r.ok(w.t)) {
		var s process.State
		if err := json.Unmarshal([]byte(line), &s); err != nil {
			w.t.Fatal(err)
		}
		all = append(all, s)
	}
	return all
}

// state returns the first one of a sink in a state.
func (w *elsewhereWorld) state(sink, state string) *process.State {
	w.t.Helper()
	for _, s := range w.states() {
		if s.Sink == sink && s.State == state {
			return &s
		}
	}
	return nil
}

// stored waits until a sink has stored all of the log.
func (w *elsewhereWorld) stored(sink string) {
	w.t.Helper()
	soon(w.t, sink+" has stored everything", func() bool {
		s := w.state(sink, "active")
		return s != nil && s.LagMessages == 0 && s.Checkpoint > 0
	})
}

// holds fails the test unless a history has the numbers from one to the last in order.
func (w *elsewhereWorld) holds(file string, from int) {
	w.t.Helper()
	want := from
	for _, value := range w.rows(file) {
		if value != strconv.Itoa(want) {
			w.t.Fatalf("%s: a row is %s, want %d", file, value, want)
		}
		want++
	}
	if last := int(w.produced.Load()); want != last+1 {
		w.t.Fatalf("%s has the values up to %d of %d", file, want-1, last)
	}
	if out := aimdb(w.t, "history", "stats", filepath.Join(w.dir, file), "--losses", "--format", "ndjson").ok(w.t); out != "" {
		w.t.Errorf("%s: the ledger has %s", file, out)
	}
}

// rows returns the numbers of a history in the order in which they were stored.
func (w *elsewhereWorld) rows(file string) (values []string) {
	w.t.Helper()
	s, err := sqlite.OpenReadOnly(filepath.Join(w.dir, file))
	if err != nil {
		w.t.Fatal(err)
	}
	defer s.Close()
	pattern, err := parsePattern("n::a")
	if err != nil {
		w.t.Fatal(err)
	}
	for row, err := range s.Rows(w.t.Context(), pattern, history.Window{}, 0) {
		if err != nil {
			w.t.Fatal(err)
		}
		values = append(values, string(row.Value))
	}
	return values
}
