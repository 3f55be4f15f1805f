package integration

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aimdb-go/aimdb"
	"github.com/aimdb-go/aimdb/sinks/sqlite"
)

// patience is how long a test waits for an event that has to come.
const patience = time.Minute

// soaking says that the faults are to last as long as the promises say, and
// not only as long as they need to happen.
func soaking() bool { return os.Getenv("AIMDB_ROUNDS") != "" }

// setup says what the database of a fault is like.
type setup struct {
	// dir is the data directory, history is where the history is if not there.
	dir, history string
	keys         []string
	store        []sqlite.Option
	options      []aimdb.Option
	// record replaces the options of lossless records.
	record []aimdb.RecordOption
}

// patient is a running database of numbered values that something happens to.
type patient struct {
	*aimdb.DB
	t       *testing.T
	store   aimdb.Backend
	records []*aimdb.Record[numbered]
	said    *said
	cancel  context.CancelFunc
	done    chan error
	stopped bool
	given   int // the last number of giveUntil
}

// admit starts a database and waits until it serves.
func admit(t *testing.T, s setup) *patient {
	t.Helper()
	p, err := tryAdmit(t, s)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// tryAdmit returns why a database does not come to serve.
func tryAdmit(t *testing.T, s setup) (*patient, error) {
	t.Helper()
	if s.history == "" {
		s.history = s.dir
	}
	if s.keys == nil {
		s.keys = writerKeys()
	}
	if s.record == nil {
		s.record = []aimdb.RecordOption{aimdb.Ring(64), aimdb.Persist(), aimdb.Lossless(aimdb.LogReader)}
	}
	p := &patient{t: t, said: &said{}, done: make(chan error, 1)}
	logger := slog.New(slog.NewTextHandler(p.said, nil))
	store, err := openBackend(t.Context(), s.history, logger, s.store...)
	if err != nil {
		return nil, err
	}
	p.store = store
	p.DB, err = aimdb.New(append([]aimdb.Option{
		aimdb.Name("kill"), aimdb.Dir(s.dir), aimdb.WithPersistence(store, 0), aimdb.Logger(logger),
	}, s.options...)...)
	if err != nil {
		return nil, err
	}
	for _, key := range s.keys {
		r, err := aimdb.Register[numbered](p.DB, key, s.record...)
		if err != nil {
			return nil, err
		}
		p.records = append(p.records, r)
	}
	ctx, cancel := context.WithCancel(context.Background())
	p.cancel = cancel
	go func() { p.done <- p.Run(ctx) }()
	select {
	case <-p.Ready():
		t.Cleanup(p.stop)
		return p, nil
	case err := <-p.done:
		cancel()
		return nil, errors.Join(err, errors.New("it ended before it served"))
	}
}

// stop ends the database as a caller does, which is no error.
func (p *patient) stop() {
	p.t.Helper()
	if p.stopped {
		return
	}
	p.stopped = true
	p.cancel()
	if err := <-p.done; err != nil {
		p.t.Errorf("Run: %v", err)
	}
	if p.t.Failed() {
		p.t.Log(p.said.String())
	}
}

// send gives each record the numbers from first to last, and returns when all
// of them are taken: that is when producers are not held up.
func (p *patient) send(first, last int) {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.t.Context(), patience)
	defer cancel()
	failed := make(chan error, len(p.records))
	for _, r := range p.records {
		go func() {
			for n := first; n <= last; n++ {
				if err := r.Send(ctx, numbered{n}); err != nil {
					failed <- fmt.Errorf("send %d to %s: %w", n, r.Key(), err)
					return
				}
			}
			failed <- nil
		}()
	}
	for range p.records {
		if err := <-failed; err != nil {
			p.t.Fatal(err)
		}
	}
}

// visit starts a database, which is to begin where the numbers before first
// ended, gives it those from first to last, and ends it when they are stored.
func visit(t *testing.T, s setup, first, last int) {
	t.Helper()
	p := admit(t, s)
	if first > 1 {
		p.newestIs(first - 1)
	}
	p.send(first, last)
	p.flush()
	p.stop()
}

// flush waits until everything is stored.
func (p *patient) flush() {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.t.Context(), patience)
	defer cancel()
	if err := p.Flush(ctx); err != nil {
		p.t.Fatal(err)
	}
}

// awaitState waits until the database says of itself that it is in trouble,
// and why.
func (p *patient) awaitState(why string) {
	p.t.Helper()
	often := time.NewTicker(10 * time.Millisecond)
	defer often.Stop()
	for deadline := time.Now().Add(patience); ; <-often.C {
		log, sink := p.states()
		for _, state := range []string{log, sink} {
			if strings.HasPrefix(state, "retrying: ") && strings.Contains(state, why) {
				return
			}
		}
		if time.Now().After(deadline) {
			p.t.Fatalf("nothing says that %q: the log says %q, the sink %q\n%s", why, log, sink, p.said)
		}
	}
}

// states returns what the log and the sink say of themselves. The fault may
// keep other parts of the answer from coming.
func (p *patient) states() (log, sink string) {
	ctx, cancel := context.WithTimeout(p.t.Context(), time.Second)
	defer cancel()
	s, err := p.Stats(ctx)
	if err != nil {
		p.t.Logf("Stats: %v", err)
	}
	if len(s.Sinks) > 0 {
		sink = s.Sinks[0].State
	}
	return s.Log.State, sink
}

// nothingDropped checks the counters of all records.
func (p *patient) nothingDropped() {
	p.t.Helper()
	for _, r := range p.records {
		if m := r.Untyped().Metrics(); m.Dropped > 0 || m.Lost > 0 {
			p.t.Errorf("record %s: %d dropped, %d lost: %+v", r.Key(), m.Dropped, m.Lost, m.Drops)
		}
	}
}

// recovered ends a database whose sink was in trouble: nobody else was, and in
// the end nothing is missing.
func (p *patient) recovered(history string, last int) {
	p.t.Helper()
	p.flush()
	p.nothingDropped()
	p.said.must(p.t, "values wait in the log; trying again")
	p.said.must(p.t, "values go into the sink again")
	p.stop()
	checkNumbers(p.t, history, sent(last))
}

// sent is what checkNumbers is to find if all up to a number were given.
func sent(last int) map[string]int {
	m := map[string]int{}
	for _, key := range writerKeys() {
		m[key] = last
	}
	return m
}

// said keeps what is logged.
type said struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (s *said) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.Write(p)
}

func (s *said) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.String()
}

// must fails the test unless something was logged.
func (s *said) must(t *testing.T, text string) {
	t.Helper()
	if !strings.Contains(s.String(), text) {
		t.Errorf("nothing was logged of %q:\n%s", text, s)
	}
}

// lossRow is one entry of the ledger.
type lossRow struct {
	record, cause   string
	count, from, to int
}

func ledger(t *testing.T, db *sql.DB) (all []lossRow) {
	t.Helper()
	rows, err := db.Query("SELECT record_name, cause, count, from_seq, to_seq FROM aimdb_loss ORDER BY id")
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		var l lossRow
		if err := rows.Scan(&l.record, &l.cause, &l.count, &l.from, &l.to); err != nil {
			t.Fatal(err)
		}
		all = append(all, l)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return all
}

// checkComplete checks that of the numbers 1 to last of a record each is either
// stored, once and in order, or in one range of the ledger.
func checkComplete(t *testing.T, db *sql.DB, key string, last int, losses []lossRow) (stored, lost int) {
	t.Helper()
	seen := make([]int, last+1)
	before := 0
	for _, n := range storedNumbers(t, db)[key] {
		if n <= before || n > last {
			t.Fatalf("record %s: %d follows %d", key, n, before)
		}
		before = n
		seen[n]++
		stored++
	}
	for _, l := range losses {
		if l.count != l.to-l.from+1 || l.from < 1 || l.to > last {
			t.Fatalf("record %s: a loss of %d values cannot be %d to %d of %d", key, l.count, l.from, l.to, last)
		}
		lost += l.count
		for n := l.from; n <= l.to; n++ {
			seen[n]++
		}
	}
	for n := 1; n <= last; n++ {
		if seen[n] != 1 {
			t.Fatalf("record %s: number %d is told %d times, want once: as stored or as lost; ledger: %+v", key, n, seen[n], losses)
		}
	}
	t.Logf("record %s: %d produced = %d stored + %d lost in %d ranges", key, last, stored, lost, len(losses))
	return stored, lost
}
