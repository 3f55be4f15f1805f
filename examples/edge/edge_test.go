package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/aimdb-go/aimdb/history"
	"github.com/aimdb-go/aimdb/internal/tcpproxy"
	"github.com/aimdb-go/aimdb/key"
	"github.com/aimdb-go/aimdb/sinks/sqlite"
)

const wait = 2 * time.Minute

// edgeVariable makes the binary of the test the program.
const edgeVariable = "AIMDB_EDGE"

func TestMain(m *testing.M) {
	if os.Getenv(edgeVariable) != "" {
		main()
		return
	}
	os.Exit(m.Run())
}

// build builds the command aimdb.
func build(t *testing.T) string {
	t.Helper()
	aimdb := filepath.Join(t.TempDir(), "aimdb")
	if out, err := exec.Command("go", "build", "-ldflags=-s -w", "-o", aimdb, "../../cmd/aimdb").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return aimdb
}

// child is a process and the lines that it has printed.
type child struct {
	cmd  *exec.Cmd
	done chan struct{}

	mu    sync.Mutex
	lines []string
	more  chan struct{}
}

func start(t *testing.T, binary string, args ...string) *child {
	t.Helper()
	c := &child{cmd: exec.Command(binary, args...), done: make(chan struct{}), more: make(chan struct{})}
	out, err := c.cmd.StdoutPipe()
	c.cmd.Stderr = t.Output()
	c.cmd.Env = append(os.Environ(), edgeVariable+"=1")
	if err == nil {
		err = c.cmd.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	go func() {
		defer close(c.done)
		for scanner := bufio.NewScanner(out); scanner.Scan(); {
			c.mu.Lock()
			c.lines = append(c.lines, scanner.Text())
			close(c.more)
			c.more = make(chan struct{})
			c.mu.Unlock()
		}
	}()
	t.Cleanup(func() { c.end(os.Kill) })
	return c
}

// end sends a signal and waits for the end of the process.
func (c *child) end(signal os.Signal) {
	if c.cmd.ProcessState != nil {
		return
	}
	_ = c.cmd.Process.Signal(signal) // it may have ended by itself
	<-c.done
	_ = c.cmd.Wait() // a killed process is an error
}

// last returns the last line, and a channel that is closed when there is another one.
func (c *child) last() (string, chan struct{}) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.lines) == 0 {
		return "", c.more
	}
	return c.lines[len(c.lines)-1], c.more
}

// await waits for the number n, and returns the last one.
func (c *child) await(t *testing.T, n int) int {
	t.Helper()
	for deadline := time.After(wait); ; {
		line, more := c.last()
		if got, err := strconv.Atoi(line); err == nil && got >= n {
			return got
		}
		select {
		case <-more:
		case <-c.done:
			t.Fatalf("the process has ended after %q", line)
		case <-deadline:
			t.Fatalf("no number %d after %q", n, line)
		}
	}
}

// number returns the last number that a site has printed.
func (c *child) number(t *testing.T) int { return c.await(t, 1) }

// center is the hub's process and how to start it.
type center struct {
	*child
	aimdb, dir, leaf, nats string
}

func (h *center) start(t *testing.T) {
	t.Helper()
	h.child = start(t, h.aimdb, "hub", "--dir", h.dir, "--site", "north", "--site", "south", "--listen-leaf", h.leaf, "--nats", h.nats)
	for deadline := time.After(wait); ; {
		line, more := h.last()
		if strings.HasPrefix(line, "sites join at") {
			return
		}
		select {
		case <-more:
		case <-h.done:
			t.Fatal("the hub has ended")
		case <-deadline:
			t.Fatal("the hub did not start")
		}
	}
}

type verification struct {
	Verdict string
	Sites   []struct {
		Site    string
		Answers bool
		Lag     uint64
		Logs    []struct{ Messages int }
	}
}

func (h *center) verify(t *testing.T) (v verification) {
	t.Helper()
	var stderr bytes.Buffer
	cmd := exec.Command(h.aimdb, "hub", "verify", h.dir, "--format", "json")
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if json.Unmarshal(out, &v) != nil {
		t.Fatalf("hub verify: %v\n%s%s", err, out, stderr.String())
	}
	if v.Verdict != "complete" || err != nil {
		t.Fatalf("hub verify: %v\n%s", err, out)
	}
	return v
}

// awaitMessages waits until the hub has n messages of a site. Each verification on the
// way must find it complete.
func (h *center) awaitMessages(t *testing.T, site string, n int) {
	t.Helper()
	for deadline := time.Now().Add(wait); ; time.Sleep(100 * time.Millisecond) {
		v := h.verify(t)
		for _, s := range v.Sites {
			messages := 0
			for _, log := range s.Logs {
				messages += log.Messages
			}
			if s.Site == site && s.Answers && messages >= n {
				return
			}
		}
		if time.Now().After(deadline) {
			t.Fatalf("the hub has no %d messages of %s: %+v", n, site, v)
		}
	}
}

// numbers returns the numbers of a site that the hub has, as a NATS client reads them.
func (h *center) numbers(t *testing.T, site string) (all []int) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), wait)
	defer cancel()
	nc, err := nats.Connect("nats://" + h.nats)
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	js, err := jetstream.New(nc)
	if err != nil {
		t.Fatal(err)
	}
	consumer, err := js.CreateConsumer(ctx, "AIMDB_HUB_hub", jetstream.ConsumerConfig{FilterSubject: fmt.Sprintf("aimdb.%s.log.>", site), AckPolicy: jetstream.AckNonePolicy})
	if err != nil {
		t.Fatal(err)
	}
	for left := consumer.CachedInfo().NumPending; left > 0; left-- {
		m, err := consumer.Next(jetstream.FetchMaxWait(time.Minute))
		if err != nil {
			t.Fatal(err)
		}
		var r Reading
		if err := json.Unmarshal(m.Data(), &r); err != nil {
			t.Fatal(err)
		}
		all = append(all, r.Number)
	}
	return all
}

// check compares the numbers of a site that does not produce any more with those in its own
// history, which are all that it has logged. A number that was logged just before a stop was
// perhaps not printed.
func (h *center) check(t *testing.T, site, dir string, printed int) {
	t.Helper()
	want := siteNumbers(t, filepath.Join(dir, site))
	h.awaitMessages(t, site, len(want))
	if got := h.numbers(t, site); !slices.Equal(got, want) {
		t.Errorf("the hub has %v of %s, which has stored %v", got, site, want)
	}
	for i, n := range want {
		if n != i+1 {
			t.Fatalf("the site %s has stored %d as number %d", site, n, i+1)
		}
	}
	if len(want) < printed || len(want) > printed+2 { // it was stopped twice
		t.Errorf("the site %s has stored %d numbers and printed %d", site, len(want), printed)
	}
}

// siteNumbers reads the history of a site.
func siteNumbers(t *testing.T, dir string) (all []int) {
	t.Helper()
	store, err := sqlite.OpenReadOnly(filepath.Join(dir, "history.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	for row, err := range store.Range(t.Context(), history.RangeQuery{Pattern: key.WirePattern("#")}) {
		var r Reading
		if err == nil {
			err = json.Unmarshal(row.Value, &r)
		}
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, r.Number)
	}
	return all
}

func freePort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	return l.Addr().String()
}

// Two sites and a hub, as processes: one site is cut off and comes back, the hub is
// killed and comes back, and a site is killed and comes back. The hub has each number
// once and in order.
func TestTwoSitesAndAHub(t *testing.T) {
	edge, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	h := &center{aimdb: build(t), dir: filepath.Join(dir, "hub"), leaf: freePort(t), nats: freePort(t)}
	if err := os.Mkdir(h.dir, 0o700); err != nil {
		t.Fatal(err)
	}
	h.start(t)
	wire, err := tcpproxy.New(h.leaf)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(wire.Cut)
	site := func(name, address, every string) *child {
		return start(t, edge, "-dir", dir, "-every", every, "-hub", "nats-leaf://"+address, name)
	}
	north, south := site("north", wire.Address(), "20ms"), site("south", h.leaf, "20ms")
	h.awaitMessages(t, "north", 20)
	h.awaitMessages(t, "south", 20)

	wire.Cut()
	behind := north.await(t, north.number(t)+50)
	h.awaitMessages(t, "south", south.number(t)+20)
	if got := len(h.numbers(t, "north")); got >= behind-30 {
		t.Errorf("the hub has %d values of a site that was cut off about 50 before its %d", got, behind)
	}
	if err := wire.Join(); err != nil {
		t.Fatal(err)
	}
	h.awaitMessages(t, "north", behind)

	h.end(os.Kill)
	behind = north.await(t, north.number(t)+30)
	h.start(t)
	h.awaitMessages(t, "north", behind)
	h.awaitMessages(t, "south", 1)

	south.end(os.Kill)
	killed := south.number(t)
	south = site("south", h.leaf, "20ms")
	h.awaitMessages(t, "south", south.await(t, killed+20))

	north.end(os.Interrupt)
	south.end(os.Interrupt)
	printed := map[string]int{"north": north.lastNumber(), "south": south.lastNumber()}
	// They come back and produce nothing, so that the hub can have all of both.
	north, south = site("north", wire.Address(), "1h"), site("south", h.leaf, "1h")
	h.check(t, "north", dir, printed["north"])
	h.check(t, "south", dir, printed["south"])
	north.end(os.Interrupt)
	south.end(os.Interrupt)
	h.verify(t)
	h.end(os.Interrupt)
	h.verify(t) // of a hub that does not run
}

// lastNumber returns the last number of a process that has ended.
func (c *child) lastNumber() int {
	line, _ := c.last()
	n, err := strconv.Atoi(line)
	if err != nil {
		return 0
	}
	return n
}
