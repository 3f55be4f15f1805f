package integration

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aimdb-go/aimdb/internal/natstest"
	"github.com/aimdb-go/aimdb/internal/pgtest"
)

// The writing process, the sinks, the servers of the log and that of PostgreSQL are killed
// in turn, at moments that none of them chooses. What was acknowledged is stored once in
// each store, in its order, and what a lossy record has dropped is counted in each ledger.
func TestSoak(t *testing.T) {
	t.Parallel()
	t.Run("one server", func(t *testing.T) {
		s := natstest.Start(t, natstest.Options{})
		soak(t, []string{s.URL}, 1, func() *natstest.Server { return s })
	})
	if !soaking() {
		return // an election takes seconds; TestLeaderKilledUnderLoad has some
	}
	t.Run("leader of three", func(t *testing.T) {
		c := natstest.StartCluster(t, natstest.Options{})
		soak(t, c.URLs(), 3, func() *natstest.Server { return c.Leader("AIMDB_" + soakName) })
	})
}

// soaked is the world of a soak.
type soaked struct {
	t        *testing.T
	dir      string
	urls     string
	replicas int
	leader   func() *natstest.Server
	postgres *pgtest.Server
	stores   map[string]string // of each sink: a directory or a DSN
	sinks    map[string]*child
	writer   *child
	runs     int
	// acked has what was acknowledged of each record and run, and what was about to be
	// written into the lossy one.
	acked map[string]int
}

func soak(t *testing.T, urls []string, replicas int, leader func() *natstest.Server) {
	s := &soaked{t: t, dir: t.TempDir(), urls: strings.Join(urls, ","), replicas: replicas, leader: leader,
		postgres: pgtest.Syncing(t), sinks: map[string]*child{}, acked: map[string]int{}}
	s.stores = map[string]string{"sqlite": t.TempDir(), "postgres": s.postgres.DSN("postgres")}
	s.startWriter()
	for kind := range s.stores {
		s.startSink(kind)
		s.sinks[kind].stderr.await(t, "active: the sink stores the log", 1)
	}
	s.writer.awaitAck(t)
	moments, victims := randomMoments(t), []string{"writer", "sqlite", "nats", "postgres", "server of PostgreSQL"}
	kills := map[string]int{}
	for round := range rounds(t, len(victims)) {
		victim := victims[round%len(victims)]
		<-time.After(time.Duration(moments.IntN(300)) * time.Millisecond) // the moment of the kill
		s.kill(victim, moments)
		kills[victim]++
	}
	s.settle()
	for kind, history := range s.stores {
		s.check(kind, history)
	}
	t.Logf("kills: %v, in %d runs of the writer", kills, s.runs)
}

func (s *soaked) startWriter() {
	s.t.Helper()
	s.runs++
	s.writer = startChild(s.t, "soakwriter", s.dir, s.urls, fmt.Sprint(s.replicas), fmt.Sprint(s.runs))
}

func (s *soaked) startSink(kind string) {
	s.t.Helper()
	s.sinks[kind] = startChild(s.t, "soaksink", kind, s.stores[kind], s.urls)
}

// kill kills one part, starts it again, and mostly waits until the log takes values or the
// sink is active.
func (s *soaked) kill(victim string, moments *rand.Rand) {
	s.t.Helper()
	begun := time.Now()
	patient := moments.IntN(4) > 0
	switch victim {
	case "writer":
		killAfter(s.t, s.writer, 0)
		s.writer.merge(s.acked)
		s.startWriter()
	case "nats":
		s.writer.awaitAck(s.t) // one that starts needs a server
		server := s.leader()
		server.Kill()
		server.Restart()
		server.AwaitJetStream()
	case "server of PostgreSQL":
		s.postgres.Kill(s.t)
		s.postgres.Start(s.t)
	default:
		killAfter(s.t, s.sinks[victim], 0)
		s.startSink(victim)
		if patient {
			s.sinks[victim].stderr.await(s.t, "active: the sink stores the log", 1)
		}
	}
	if patient {
		s.writer.forgetAcks()
		s.writer.awaitAck(s.t)
	}
	s.t.Logf("%s killed; %v until it was there again", victim, time.Since(begun).Round(time.Millisecond))
}

// settle ends the writer in order, which logs all that it has, and then the sinks, which
// store all that the log has.
func (s *soaked) settle() {
	s.t.Helper()
	s.writer.awaitAck(s.t)
	all := map[string]*child{"writer": s.writer}
	maps.Copy(all, s.sinks)
	for _, name := range []string{"writer", "sqlite", "postgres"} {
		c := all[name]
		if name != "writer" {
			c.stderr.await(s.t, "active: the sink stores the log", 1)
		}
		if err := c.signal(os.Interrupt); err != nil {
			s.t.Errorf("the process of %s ended with %v\n%s", name, err, c.stderr.String())
		}
		if name != "writer" {
			c.stderr.must(s.t, "the sink has stored the log up to its end")
		}
	}
	s.writer.merge(s.acked)
}

// check compares a store with what was acknowledged.
func (s *soaked) check(kind, history string) {
	s.t.Helper()
	stored := s.stored(history)
	rows, missing, trailing := 0, 0, 0
	for id, numbers := range stored {
		rows += len(numbers)
		if !slices.IsSortedFunc(numbers, func(a, b int) int { return 2*(a-b) - 1 }) { // equal ones are not in order
			s.t.Errorf("%s: %s is out of order, or has a value twice", kind, id)
		}
		gaps := numbers[len(numbers)-1] - len(numbers)
		if strings.HasPrefix(id, soakLossy) {
			missing += gaps
			trailing += max(0, s.acked[id]-numbers[len(numbers)-1])
		} else if gaps != 0 {
			s.t.Errorf("%s: %s has %d values up to %d", kind, id, len(numbers), numbers[len(numbers)-1])
		}
	}
	for id, n := range s.acked {
		if strings.HasPrefix(id, soakLossy) {
			if len(stored[id]) == 0 {
				trailing += n
			}
		} else if numbers := stored[id]; len(numbers) < n {
			s.t.Errorf("%s: %s has %d values, and %d were acknowledged", kind, id, len(numbers), n)
		}
	}
	counted := 0
	for _, l := range ledger(s.t, openSQL(s.t, history)) {
		if l.record != soakLossy || l.cause != "ring_overrun" {
			s.t.Errorf("%s: the ledger has %+v", kind, l)
		}
		counted += l.count
	}
	if counted < missing || counted > missing+trailing {
		s.t.Errorf("%s: %d values of %s are missing, and %d were perhaps not stored at the ends of the runs; %d are counted", kind, missing, soakLossy, trailing, counted)
	}
	s.t.Logf("%s: %d rows, %d values dropped by a full ring, %d counted", kind, rows, missing, counted)
}

// stored returns the numbers of each record and run in the order of their storing.
func (s *soaked) stored(history string) map[string][]int {
	s.t.Helper()
	all := map[string][]int{}
	eachRow(s.t, openSQL(s.t, history), func(key string, v soakValue) {
		id := fmt.Sprintf("%s/%d", key, v.Run)
		all[id] = append(all[id], v.N)
	})
	return all
}
