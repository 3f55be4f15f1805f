package aimdb_test

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/aimdb-go/aimdb"
	"github.com/aimdb-go/aimdb/aimx"
	"github.com/aimdb-go/aimdb/internal/tcpproxy"
)

// patience bounds the wait for what must come.
const patience = 2 * time.Minute

// served is a database with a gateway.
type served struct {
	db      *aimdb.DB
	dir     string
	records []*aimdb.Record[int]
	stop    func()
}

func (s *served) endpoint() string { return filepath.Join(s.dir, "s") }

// serveFollowers opens a database with the records n::a and n::b, a private one and one that does
// not persist.
func serveFollowers(t *testing.T, dir string, opts ...aimdb.Option) *served {
	t.Helper()
	s := &served{dir: dir}
	s.db = open(t, dir, append([]aimdb.Option{aimdb.Gateway(s.endpoint()), aimdb.HTTP("127.0.0.1:0", nil)}, opts...)...)
	for _, key := range []string{"n::a", "n::b"} {
		s.records = append(s.records, register[int](t, s.db, key, aimdb.Ring(16), aimdb.Persist(), aimdb.Remote(), aimdb.Lossless()))
	}
	s.records = append(s.records, register[int](t, s.db, "n::secret", aimdb.Ring(16), aimdb.Persist(), aimdb.Lossless()))
	register[int](t, s.db, "live", aimdb.Ring(16), aimdb.Remote())
	s.stop = start(t, s.db)
	return s
}

// write gives every record the numbers from first to last.
func (s *served) write(t *testing.T, first, last int) {
	t.Helper()
	sendNumbers(t, first, last, s.records...)
	if err := s.db.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
}

func dialAimX(t *testing.T, endpoint string) *aimx.Client {
	t.Helper()
	c, err := aimx.Dial(t.Context(), endpoint)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() }) // always nil
	return c
}

// counting checks that each record counts up from 1 to last.
type counting struct {
	last int
	next map[string]int
	// begins, cuts and marks count the other events.
	begins []aimx.Begin
	cuts   int
	marks  int
	at     string
}

func newCounting(last int) *counting { return &counting{last: last, next: map[string]int{}} }

// take returns true at the end.
func (c *counting) take(e aimx.Event[int]) (done bool, err error) {
	c.at = e.Position()
	switch {
	case e.Begin != nil:
		c.begins = append(c.begins, *e.Begin)
	case e.CaughtUp:
		c.marks++
	case e.Cut != nil:
		c.cuts++
	default:
		if c.next[e.Record]++; e.Value != c.next[e.Record] || e.Lost > 0 || e.Loss != nil || e.Time == 0 {
			return true, fmt.Errorf("got %+v, want %d", e, c.next[e.Record])
		}
	}
	return c.next["n::a"] >= c.last && c.next["n::b"] >= c.last, nil
}

// follow follows until every record has its last value.
func (c *counting) follow(ctx context.Context, client *aimx.Client, start aimx.Start) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for e, err := range aimx.Follow[int](ctx, client, "n::*", start) {
		if err != nil {
			return err
		}
		if done, err := c.take(e); done || err != nil {
			return err
		}
	}
	return fmt.Errorf("it ended at %v, want %d", c.next, c.last)
}

// History, a marker, live values, and the same after a position, also over a restart.
// Private records stay out.
func TestFollowOverAimX(t *testing.T) {
	defer goleak.VerifyNone(t)
	dir := t.TempDir()
	s := serveFollowers(t, dir)
	s.write(t, 1, 100)
	c := newCounting(100)
	if err := c.follow(t.Context(), dialAimX(t, s.endpoint()), aimx.FromTime(0)); err != nil {
		t.Fatal(err)
	}
	if len(c.begins) != 1 || c.begins[0].Reason != "" || c.marks != 0 || c.next["n::secret"] > 0 {
		t.Errorf("got %+v", c)
	}
	c.last = 200
	done := make(chan error, 1)
	client := dialAimX(t, "ws://"+s.db.Addresses().HTTP)
	go func() { done <- c.follow(t.Context(), client, aimx.After(c.at)) }()
	s.write(t, 101, 200)
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	if c.marks != 1 {
		t.Errorf("%d markers, want 1", c.marks)
	}
	s.stop()
	s = serveFollowers(t, dir)
	s.write(t, 201, 300)
	c.last = 300
	if err := c.follow(t.Context(), dialAimX(t, s.endpoint()), aimx.After(c.at)); err != nil {
		t.Fatal(err)
	}
	for _, b := range c.begins {
		if b.Reason != "" {
			t.Errorf("it fell back: %s", b.Reason)
		}
	}
	closeAll(t, client)
	s.stop()
}

func closeAll(t *testing.T, clients ...*aimx.Client) {
	t.Helper()
	for _, c := range clients {
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	}
}

// The log does not reach back: the history is sent again from a time that the answer says.
func TestFollowFallsBackToTheHistory(t *testing.T) {
	defer goleak.VerifyNone(t)
	for name, c := range map[string]struct {
		lose func(dir string) []aimdb.Option
		want string
	}{
		"log deleted": {func(dir string) []aimdb.Option {
			if err := os.RemoveAll(filepath.Join(dir, "log")); err != nil {
				t.Fatal(err)
			}
			return nil
		}, "another log"},
		"log discarded": {func(string) []aimdb.Option { return []aimdb.Option{aimdb.LogLimits(time.Hour, 16<<10)} }, "has discarded"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			s := serveFollowers(t, dir)
			s.write(t, 1, 50)
			first := newCounting(50)
			if err := first.follow(t.Context(), dialAimX(t, s.endpoint()), aimx.FromTime(0)); err != nil {
				t.Fatal(err)
			}
			s.stop()
			s = serveFollowers(t, dir, c.lose(dir)...)
			for n := 51; n < 1000; n += 10 { // the log holds more than that, so the history gets all
				s.write(t, n, n+9)
			}
			again := newCounting(1000)
			client := dialAimX(t, s.endpoint())
			// All was written within the overlap, so it comes from the first value on.
			if err := again.follow(t.Context(), client, aimx.After(first.at)); err != nil {
				t.Fatal(err)
			}
			if len(again.begins) != 1 || !strings.Contains(again.begins[0].Reason, c.want) || again.begins[0].From >= time.Now().UnixMilli() {
				t.Errorf("it says %+v, want %q", again.begins, c.want)
			}
			closeAll(t, client)
			s.stop()
		})
	}
}

// What cannot be followed is refused, with a reason.
func TestFollowIsRefused(t *testing.T) {
	defer goleak.VerifyNone(t)
	s := serveFollowers(t, t.TempDir())
	s.write(t, 1, 1)
	client := dialAimX(t, s.endpoint())
	c := newCounting(1)
	if err := c.follow(t.Context(), client, aimx.FromTime(0)); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		pattern string
		start   aimx.Start
		code    aimx.Code
		want    string
	}{
		{"live", aimx.FromTime(0), aimx.CodeInternal, "does not persist"},
		{"live.#", aimx.FromTime(0), aimx.CodeInternal, "persists"},
		{"n::secret", aimx.FromTime(0), aimx.CodeInternal, "not exposed"},
		{"nothing", aimx.FromTime(0), aimx.CodeNotFound, "no record"},
		{"n::*", aimx.After(""), aimx.CodeInternal, "no position"},
		{"n::*", aimx.After(c.at[1:]), aimx.CodeInternal, "no position"},
		{"n::*", aimx.After(c.at[:len(c.at)-1]), aimx.CodeInternal, "no position"},
		{"n::a", aimx.After(c.at), aimx.CodeInternal, "cannot continue"},
	} {
		ctx, cancel := context.WithTimeout(t.Context(), patience)
		for e, err := range client.Follow(ctx, test.pattern, test.start) {
			var refused *aimx.Refusal
			if !errors.As(err, &refused) || refused.Code != test.code || !strings.Contains(refused.Reason, test.want) {
				t.Errorf("%s: got %+v, %v, want %s: %s", test.pattern, e, err, test.code, test.want)
			}
			break
		}
		cancel()
	}
	closeAll(t, client)
	s.stop()
}

// Connections are cut at random under load.
func TestFollowersAreCutOff(t *testing.T) {
	defer goleak.VerifyNone(t)
	s := serveFollowers(t, t.TempDir())
	const followers, last = 20, 2000
	var proxies []*tcpproxy.Proxy
	for range 4 {
		p, err := tcpproxy.New(s.db.Addresses().HTTP)
		if err != nil {
			t.Fatal(err)
		}
		defer p.Cut()
		proxies = append(proxies, p)
	}
	all := make([]*counting, followers)
	var clients []*aimx.Client
	var work sync.WaitGroup
	for i := range followers {
		client := dialAimX(t, "ws://"+proxies[i%len(proxies)].Address())
		clients = append(clients, client)
		all[i] = newCounting(last)
		work.Go(func() {
			if err := all[i].follow(t.Context(), client, aimx.FromTime(0)); err != nil {
				t.Errorf("follower %d: %v", i, err)
			}
		})
	}
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	moments := rand.New(rand.NewPCG(seed, 0))
	for n := 0; n < last; n += 100 {
		s.write(t, n+1, n+100)
		p := proxies[moments.IntN(len(proxies))]
		p.Cut()
		if err := p.Join(); err != nil {
			t.Fatal(err)
		}
	}
	work.Wait()
	cuts := 0
	for _, c := range all {
		cuts += c.cuts
		for _, b := range c.begins {
			if b.Reason != "" {
				t.Errorf("it fell back: %s", b.Reason)
			}
		}
	}
	if t.Logf("%d cuts", cuts); cuts < followers {
		t.Errorf("only %d cuts were noticed", cuts)
	}
	closeAll(t, clients...)
	s.stop()
}

// A follower that does not read holds nothing up and loses nothing: what the log has
// discarded meanwhile comes from the history, and the answer says from where on.
func TestAStuckFollowerReadsTheHistory(t *testing.T) {
	defer goleak.VerifyNone(t)
	dir := t.TempDir()
	db := open(t, dir, aimdb.Gateway(filepath.Join(dir, "s")), aimdb.LogLimits(time.Hour, 256<<10))
	type large struct {
		N    int
		Text string
	}
	r := register[large](t, db, "n::a", aimdb.Ring(16), aimdb.Persist(), aimdb.Remote(), aimdb.Lossless())
	stop := start(t, db)
	conn, err := net.Dial("unix", filepath.Join(dir, "s"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := conn.Write([]byte(`{"t":"sub","id":1,"topic":"#","from":0}` + "\n")); err != nil {
		t.Fatal(err)
	}
	const last = 2000 // more than the socket and the reader of the log have room for
	for n := 1; n <= last; n++ {
		if err := r.Send(t.Context(), large{n, strings.Repeat("x", 2000)}); err != nil {
			t.Fatal(err)
		}
		if n%20 == 0 { // the log holds more than that, so the history gets all
			if err := db.Flush(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := conn.SetReadDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	begins, next := 0, 1
	for in := bufio.NewReader(conn); next <= last; {
		line, err := in.ReadBytes('\n')
		if err != nil {
			t.Fatal(err)
		}
		var f struct {
			Kind string          `json:"t"`
			Msg  string          `json:"msg"`
			Loss json.RawMessage `json:"loss"`
			Data large           `json:"data"`
		}
		if err := json.Unmarshal(line, &f); err != nil {
			t.Fatal(err)
		}
		switch {
		case f.Kind == "begin":
			if begins++; begins > 1 {
				if !strings.Contains(f.Msg, "more slowly") {
					t.Errorf("it begins again with %s", line)
				}
				next = 1 // all was written within the overlap
			}
		case f.Kind == "event":
			if f.Data.N != next || f.Loss != nil {
				t.Fatalf("got %.100s, want %d", line, next)
			}
			next++
		}
	}
	if begins < 2 {
		t.Error("the log has discarded nothing, so this tests nothing")
	}
	closing := conn.Close()
	if stop(); closing != nil {
		t.Error(closing)
	}
}
