package integration

import (
	"database/sql"
	"encoding/json"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aimdb-go/aimdb"
	"github.com/aimdb-go/aimdb/internal/pgtest"
)

// BenchmarkStored brings values of 100 lossless records into SQLite, flat out,
// against inserting the same values with the bare driver: same schema, same
// pragmas, same batches. The targets are 0.65 x-insert and 60,000 values/s,
// and 30,000 with a sync of the log before each acknowledgement.
func BenchmarkStored(b *testing.B) {
	b.Run("level=stored", func(b *testing.B) {
		stored(b, serveFor(b, 100, lossless()))
	})
	b.Run("level=durable", func(b *testing.B) {
		stored(b, serveFor(b, 100, lossless(aimdb.Durable()), aimdb.DurableLog()))
	})
}

// BenchmarkStoredPostgres brings the same values into PostgreSQL and into SQLite, in turns,
// in two databases that differ in nothing else. The target is the rate of SQLite. The
// processor time is that of this process and of the server together.
func BenchmarkStoredPostgres(b *testing.B) {
	there := serveForOn(b, pgtest.Syncing(b).Database(b), b.TempDir(), 100, lossless())
	here := serveFor(b, 100, lossless())
	stores := func(s *served) func() {
		return func() {
			s.send(b, storedValues)
			if err := s.Flush(b.Context()); err != nil {
				b.Fatal(err)
			}
		}
	}
	inTurns(b, storedValues, "values/s", stores(there), yardstick{"sqlite", stores(here)})
}

// storedValues is a turn: enough that filling and emptying the path at its
// ends does not show.
const storedValues = 100_000

func stored(b *testing.B, s *served) {
	bare := openBare(b)
	inTurns(b, storedValues, "values/s",
		func() {
			s.send(b, storedValues)
			if err := s.Flush(b.Context()); err != nil {
				b.Fatal(err)
			}
		},
		yardstick{"insert", func() { bare.insert(b, storedValues) }})
}

// send has a few producers send n values in all, round over their records.
func (s *served) send(b *testing.B, n int) {
	const producers = 4
	var all sync.WaitGroup
	for p := range producers {
		all.Go(func() {
			for i := p; i < n; i += producers {
				if err := s.records[i%len(s.records)].Send(b.Context(), s.value(i)); err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	all.Wait()
}

// bare is the history's table, written to with nothing but the driver.
type bare struct {
	conn *sql.Conn
	many *sql.Stmt
	one  *sql.Stmt
}

const (
	bareRows  = 256  // of an INSERT
	bareBatch = 4096 // of a transaction
)

func openBare(b *testing.B) *bare {
	b.Helper()
	db, err := sql.Open("sqlite", "file:"+filepath.Join(b.TempDir(), "bare.db")+
		"?_journal_mode=WAL&_synchronous=FULL&_auto_vacuum=INCREMENTAL&_txlock=immediate&_pragma=cache_size(-16384)&_pragma=journal_size_limit(67108864)")
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = db.Close() }) // the directory goes anyway
	bare := &bare{}
	if bare.conn, err = db.Conn(b.Context()); err != nil {
		b.Fatal(err)
	}
	bare.exec(b, `CREATE TABLE record_history (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  record_name TEXT NOT NULL, value_json TEXT NOT NULL, stored_at INTEGER NOT NULL);
CREATE INDEX idx_record_time ON record_history(record_name, stored_at DESC);`)
	bare.many = bare.prepare(b, bareRows)
	bare.one = bare.prepare(b, 1)
	return bare
}

func (s *bare) prepare(b *testing.B, rows int) *sql.Stmt {
	b.Helper()
	statement, err := s.conn.PrepareContext(b.Context(),
		"INSERT INTO record_history(record_name, value_json, stored_at) VALUES (?,?,?)"+strings.Repeat(",(?,?,?)", rows-1))
	if err != nil {
		b.Fatal(err)
	}
	return statement
}

func (s *bare) exec(b *testing.B, text string) {
	b.Helper()
	if _, err := s.conn.ExecContext(b.Context(), text); err != nil {
		b.Fatal(err)
	}
}

// insert stores n values, in transactions as large as a full batch.
func (s *bare) insert(b *testing.B, n int) {
	value, err := json.Marshal(sampled(0))
	if err != nil {
		b.Fatal(err)
	}
	args := make([]any, 3*bareRows)
	for done := 0; done < n; {
		s.exec(b, "BEGIN IMMEDIATE")
		for end := min(done+bareBatch, n); done < end; done += bareRows {
			for i := range bareRows {
				args[3*i] = bareNames[(done+i)%len(bareNames)]
				args[3*i+1], args[3*i+2] = string(value), time.Now().UnixMilli()
			}
			if _, err := s.many.ExecContext(b.Context(), args...); err != nil {
				b.Fatal(err)
			}
		}
		s.exec(b, "COMMIT")
	}
}

// commit stores one value in a transaction of its own.
func (s *bare) commit(b *testing.B) {
	if _, err := s.one.ExecContext(b.Context(), bareNames[0], "{}", time.Now().UnixMilli()); err != nil {
		b.Fatal(err)
	}
}

var bareNames = func() (names [100]string) {
	for i := range names {
		names[i] = "plant.line0::sensor" + string(rune('0'+i/10)) + string(rune('0'+i%10))
	}
	return names
}()
