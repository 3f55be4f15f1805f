package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"iter"
	"os"
	"path/filepath"
	"strings"
	"testing"

	embedded "github.com/aimdb-go/aimdb"
	"github.com/aimdb-go/aimdb/aimx"
	"github.com/aimdb-go/aimdb/history"
	"github.com/aimdb-go/aimdb/sinks/sqlite"
)

// proving is a store that finds the damage that a test tells it to find.
type proving struct {
	*sqlite.Store
	damaged []history.DamagedRows
}

func (p *proving) Verify(ctx context.Context) (v history.Verification, err error) {
	at, err := p.Position(ctx)
	if err != nil {
		return v, err
	}
	stats, err := p.Stats(ctx)
	v.Position, v.Damaged = at.Position, p.damaged
	for _, r := range stats.Records {
		v.Records = append(v.Records, history.VerifiedRecord{Record: r.Record, Rows: r.Rows})
	}
	return v, err
}

func (p *proving) Repair(ctx context.Context, read func(context.Context, uint64, uint64) iter.Seq2[history.Row, error]) (done history.Repaired, err error) {
	for range p.damaged {
		for _, err := range read(ctx, 1, 2) {
			if err != nil {
				return done, err
			}
			done.Restored++
		}
	}
	p.damaged = nil
	return done, nil
}

// verifying runs verify with a store that proves its rows.
func verifying(t *testing.T, damaged []history.DamagedRows, args ...string) result {
	t.Helper()
	open := func(path string, options ...sqlite.Option) (embedded.Backend, error) {
		s, err := sqlite.Open(path, append(options, sqlite.Strict())...)
		if err != nil {
			return nil, err
		}
		return &proving{Store: s, damaged: damaged}, nil
	}
	var stdout, stderr bytes.Buffer
	root := group("aimdb", "test", newVerify(open, os.Getenv))
	root.SilenceErrors, root.SilenceUsage = true, true
	root.SetFlagErrorFunc(newRoot(os.Getenv).FlagErrorFunc())
	code := execute(t.Context(), root, append([]string{"verify"}, args...), nil, &stdout, &stderr)
	return result{stdout.String(), stderr.String(), code}
}

// is fails the test unless the command ended with a status and said something on
// stdout.
func (r result) is(t *testing.T, code int, says ...string) {
	t.Helper()
	if r.code != code {
		t.Errorf("exit status %d, want %d\nstdout: %s\nstderr: %s", r.code, code, r.stdout, r.stderr)
	}
	for _, s := range says {
		if !strings.Contains(r.stdout, s) {
			t.Errorf("stdout does not say %q:\n%s", s, r.stdout)
		}
	}
}

// write runs the database in a directory and writes n values into a ring of 100.
func write(t *testing.T, dir string, n int) {
	t.Helper()
	db, r, stop := runDatabase(t, dir)
	for i := range n {
		r.Produce(i)
	}
	if err := db.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	stop()
}

func runDatabase(t *testing.T, dir string, opts ...embedded.Option) (*embedded.DB, *embedded.Record[int], func()) {
	t.Helper()
	store, err := sqlite.Open(filepath.Join(dir, "history.db"))
	if err != nil {
		t.Fatal(err)
	}
	db, err := embedded.New(append(opts, embedded.Name("hub"), embedded.Dir(dir), embedded.WithPersistence(&proving{Store: store}, 0))...)
	if err != nil {
		t.Fatal(err)
	}
	r, err := embedded.Register[int](db, "n", embedded.Ring(100), embedded.Persist(), embedded.Remote())
	if err != nil {
		t.Fatal(err)
	}
	secret, err := embedded.Register[int](db, "hidden", embedded.Ring(1), embedded.Persist())
	if err != nil {
		t.Fatal(err)
	}
	secret.Produce(1)
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- db.Run(ctx) }()
	select {
	case <-db.Ready():
	case err := <-ended:
		t.Fatalf("the database did not start: %v", err)
	}
	return db, r, func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("Run: %v", err)
		}
	}
}

func TestVerifyADirectory(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write(t, dir, 50)
	verifying(t, nil, dir).is(t, exitOK, "hidden", "complete: the history has 51 rows, and 0 values wait for it in the log.")
	v := lines[embedded.Verification](t, verifying(t, nil, dir, "--format", "ndjson").ok(t))[0]
	if v.Verdict != aimx.Complete || v.Database != "hub" || len(v.Records) != 2 || v.Records[1].Rows != 50 {
		t.Errorf("%+v", v)
	}

	damaged := []history.DamagedRows{{From: 3, To: 5, Missing: true}}
	r := verifying(t, damaged, dir)
	r.is(t, exitUnknown, "unknown (history): The rows 3 to 5 are missing", "A repair", "nobody knew (1 finding)")
	if r.stderr != "" {
		t.Errorf("stderr says %s", r.stderr)
	}
	verifying(t, damaged, dir, "--repair").is(t, exitOK, "repaired: 2 rows", "complete")

	// the older history of before a log that is lost now
	older, err := os.ReadFile(filepath.Join(dir, "history.db"))
	if err != nil {
		t.Fatal(err)
	}
	write(t, dir, 20)
	if err := errors.Join(os.WriteFile(filepath.Join(dir, "history.db"), older, 0o600), os.RemoveAll(filepath.Join(dir, "log"))); err != nil {
		t.Fatal(err)
	}
	r = verifying(t, nil, dir)
	r.is(t, exitUnknown, "unknown (log): 21 messages", "log_missing")
	if _, err := os.Stat(filepath.Join(dir, "log")); !os.IsNotExist(err) {
		t.Errorf("verify made a log: %v", err)
	}
	write(t, dir, 1)
	r = verifying(t, nil, dir, "--name", "hub")
	r.is(t, exitLost, "known (ledger): 21 messages", "all of that is known")
}

func TestVerifyKnowsARing(t *testing.T) {
	dir := t.TempDir()
	db, r, stop := runDatabase(t, dir)
	for i := range 100_000 { // faster than the log reads
		r.Produce(i)
	}
	if err := db.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	stop()
	verifying(t, nil, dir).is(t, exitLost, "ring_overrun")
}

// A history that SQLite cannot open is a finding with advice.
func TestVerifyAHistoryThatCannotBeOpened(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, 50)
	path := filepath.Join(dir, "history.db")
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for name, data := range map[string][]byte{
		"noise after the first bytes": append(bytes.Clone(whole[:100]), bytes.Repeat([]byte{0xaa}, len(whole)-100)...),
		"noise at the start":          append(bytes.Repeat([]byte{0xaa}, 100), whole[100:]...),
		"nothing":                     nil,
	} {
		t.Run(name, func(t *testing.T) {
			if err := os.WriteFile(path, data, 0o600); err != nil {
				t.Fatal(err)
			}
			aimdb(t, "verify", dir).is(t, exitUnknown, "unknown (history): The history", "Restore a backup")
			if now, err := os.ReadFile(path); err != nil || !bytes.Equal(now, data) {
				t.Errorf("the file has changed (%v)", err)
			}
		})
	}
}

func TestVerifyRefuses(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	used, empty, file := filepath.Join(dir, "used"), filepath.Join(dir, "empty"), filepath.Join(dir, "file")
	if err := errors.Join(os.Mkdir(empty, 0o700), os.WriteFile(file, nil, 0o600)); err != nil {
		t.Fatal(err)
	}
	_, _, stop := runDatabase(t, used)
	defer stop()
	for _, test := range []struct {
		code int
		says string
		args []string
	}{
		{exitFailed, "is in use by a running database; give its endpoint", []string{used}},
		{exitFailed, "neither a directory nor a socket", []string{filepath.Join(dir, "none")}},
		{exitFailed, "is no directory", []string{file}},
		{exitFailed, "there is no history at", []string{empty}},
		{exitUsage, "takes 1 argument", nil},
		{exitUsage, "unknown flag", []string{used, "--repairs"}},
		{exitUsage, "need the directory", []string{"ws://127.0.0.1:1/ws", "--repair"}},
		{exitUsage, "scheme", []string{"gopher://127.0.0.1:1/ws"}},
	} {
		aimdb(t, append([]string{"verify"}, test.args...)...).fails(t, test.code, test.says)
	}
	left, err := os.ReadDir(empty)
	if err != nil || len(left) > 0 {
		t.Errorf("verify made %v, %v", left, err)
	}
}

// Over an endpoint the verdict is that of everything, and private records are absent.
func TestVerifyAnEndpoint(t *testing.T) {
	t.Parallel()
	dir, socket := t.TempDir(), shortPath(t)
	db, r, stop := runDatabase(t, dir, embedded.Gateway(socket), embedded.HTTP("127.0.0.1:0", nil))
	defer stop()
	ctx, cancel := context.WithCancel(t.Context())
	written := make(chan struct{})
	go func() {
		defer close(written)
		for i := 0; ctx.Err() == nil; i++ {
			if err := r.ProduceLogged(ctx, i); err != nil {
				return
			}
		}
	}()
	for range 5 {
		for _, endpoint := range []string{socket, "ws://" + db.Addresses().HTTP + "/ws"} {
			out := aimdb(t, "verify", endpoint)
			out.is(t, exitOK, "1 private record is absent", "complete")
			if strings.Contains(out.stdout, "hidden") {
				t.Errorf("a private record is named:\n%s", out.stdout)
			}
		}
	}
	cancel()
	<-written
	var v embedded.Verification
	if err := json.Unmarshal([]byte(aimdb(t, "verify", socket, "--format", "ndjson").ok(t)), &v); err != nil || v.Private.Records != 1 || len(v.Records) != 1 {
		t.Errorf("%+v, %v", v, err)
	}
}
