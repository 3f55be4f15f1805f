package postgres_test

import (
	"fmt"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/aimdb-go/aimdb/internal/pgtest"
	"github.com/aimdb-go/aimdb/sinks/postgres"
	"github.com/aimdb-go/aimdb/sinks/sinktest"
)

// breaking makes each row that is stored run statements while the table public.fault has a
// row. They fail the batch, or keep it waiting.
func breaking(t *testing.T, dsn, statements string) (mend func()) {
	t.Helper()
	exec(t, dsn, `CREATE TABLE public.fault AS SELECT 1;
		CREATE FUNCTION public.break() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN `+statements+`; RETURN NEW; END $$;
		CREATE TRIGGER break BEFORE INSERT ON record_history FOR EACH ROW EXECUTE FUNCTION public.break()`)
	return func() {
		t.Helper()
		exec(t, dsn, "DELETE FROM public.fault")
	}
}

// until waits for a query to answer true.
func until(t *testing.T, dsn, query string) {
	t.Helper()
	for deadline := time.Now().Add(patience); !ask[bool](t, dsn, query); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("%s: still false", query)
		}
	}
}

// failing waits until the pump has an outage whose error says something.
func (f *flow) failing(t *testing.T, says string) {
	t.Helper()
	for deadline := time.Now().Add(patience); !strings.Contains(f.pump.Stats().State, says); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("the pump does not say %q: %+v", says, f.pump.Stats())
		}
	}
}

// neverFailed: what a sweep does to a batch is no outage.
func (f *flow) neverFailed(t *testing.T) {
	t.Helper()
	if st := f.pump.Stats(); st.Retries != 0 {
		t.Errorf("the pump had to try again: %+v", st)
	}
}

// TestFaults: whatever happens to the server or to the connection while values come, each
// is stored once.
func TestFaults(t *testing.T) {
	t.Parallel()
	server := pgtest.Syncing(t)
	for name, fault := range map[string]func(t *testing.T, f *flow){
		"killed under load": func(t *testing.T, f *flow) {
			for range 3 {
				f.await(t, 300)
				server.Kill(t)
				server.Start(t)
			}
		},
		"restarted under load": func(t *testing.T, f *flow) {
			for range 2 {
				f.await(t, 300)
				server.Stop(t)
				server.Start(t)
			}
		},
		"killed in the middle of a COPY": func(t *testing.T, f *flow) {
			f.await(t, 100)
			mend := breaking(t, f.dsn, "WHILE EXISTS (SELECT 1 FROM public.fault) LOOP PERFORM pg_sleep(0.01); END LOOP")
			until(t, f.dsn, "SELECT count(*) > 0 FROM pg_stat_progress_copy")
			server.Kill(t)
			server.Start(t)
			mend()
		},
		"the connection is ended": func(t *testing.T, f *flow) {
			for range 5 {
				f.await(t, 100)
				exec(t, f.dsn, endWriter)
			}
		},
		"the disk is full": func(t *testing.T, f *flow) {
			f.await(t, 100)
			mend := breaking(t, f.dsn, "IF EXISTS (SELECT 1 FROM public.fault) THEN RAISE disk_full USING MESSAGE = 'could not extend file: No space left on device'; END IF")
			f.failing(t, "No space left on device")
			mend()
		},
		"failover to a server that lacks the last values": func(t *testing.T, f *flow) {
			f.await(t, 300)
			restore := server.Save(t)
			f.await(t, 1000)
			restore()
		},
		"a sweep drops a partition": func(t *testing.T, f *flow) {
			f.await(t, 100)
			exec(t, f.dsn, fmt.Sprintf(`CREATE TABLE public.kept AS SELECT * FROM record_history WHERE false;
				BEGIN; LOCK TABLE record_history; INSERT INTO public.kept SELECT * FROM record_history; DROP TABLE record_history_%d; COMMIT`, weekOf(flowMessage(1).Time)))
			f.await(t, 300)
			f.neverFailed(t)
			exec(t, f.dsn, "INSERT INTO record_history SELECT * FROM public.kept")
		},
		"a deadlock with a sweep": func(t *testing.T, f *flow) {
			f.await(t, 100)
			exec(t, f.dsn, "CREATE SEQUENCE public.n")
			mend := breaking(t, f.dsn, "IF EXISTS (SELECT 1 FROM public.fault) AND nextval('public.n') <= 2 THEN RAISE deadlock_detected; END IF")
			f.await(t, 300)
			f.neverFailed(t)
			mend()
		},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFlow(t, server.Database(t), sinktest.NewLog("log"), postgres.Config{})
			stop := f.load()
			defer stop()
			fault(t, f)
			f.await(t, 300)
			stop()
			f.exactlyOnce(t)
		})
	}
}

func weekOf(ms int64) int64 {
	const week = 7 * 24 * 3600 * 1000
	return ms / week * week
}

// TestDownAtStart: a store opens while the server is down, and takes what waits when it
// runs.
func TestDownAtStart(t *testing.T) {
	t.Parallel()
	server := pgtest.Syncing(t)
	dsn := server.Database(t)
	server.Stop(t)
	f := newFlow(t, dsn, sinktest.NewLog("log"), postgres.Config{})
	f.add(100)
	if _, err := f.store.Checkpoint(t.Context()); err == nil {
		t.Error("a server that is down has a checkpoint")
	}
	server.Start(t)
	f.awaitAt(t, 100)
	f.exactlyOnce(t)
}

// TestPermission: a statement that the role may not execute is an outage that says so.
func TestPermission(t *testing.T) {
	t.Parallel()
	dsn := server.Database(t)
	exec(t, dsn, "DROP ROLE IF EXISTS writer; CREATE ROLE writer LOGIN; CREATE SCHEMA aimdb AUTHORIZATION writer")
	t.Cleanup(func() { exec(t, dsn, "DROP OWNED BY writer CASCADE; DROP ROLE writer") })
	f := newFlow(t, dsn, sinktest.NewLog("log"), postgres.Config{DSN: as(t, dsn, "writer")})
	f.add(100)
	f.awaitAt(t, 100)
	exec(t, dsn, "REVOKE INSERT ON record_history FROM writer")
	f.add(100)
	f.failing(t, "permission denied for table record_history")
	exec(t, dsn, "GRANT INSERT ON record_history TO writer")
	f.awaitAt(t, 200)
	f.exactlyOnce(t)
}

// TestSynced: a batch waits for the disk whatever the database and the role have as their
// default.
func TestSynced(t *testing.T) {
	t.Parallel()
	dsn := server.Database(t)
	exec(t, dsn, fmt.Sprintf("ALTER DATABASE %s SET synchronous_commit = off", ask[string](t, dsn, "SELECT current_database()")))
	s, stop := start(t, postgres.Config{DSN: dsn})
	defer stop()
	breaking(t, dsn, "IF current_setting('synchronous_commit') <> 'on' THEN RAISE 'synchronous_commit is %', current_setting('synchronous_commit'); END IF")
	appendTo(t, s, 1)
}

func as(t *testing.T, dsn, user string) string {
	t.Helper()
	u, err := url.Parse(dsn)
	if err != nil {
		t.Fatal(err)
	}
	u.User = url.User(user)
	return u.String()
}
