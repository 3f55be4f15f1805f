package gateway_test

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"io"
	"iter"
	"net"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/aimdb-go/aimdb/aimx"
	"github.com/aimdb-go/aimdb/aimx/gateway"
	"github.com/aimdb-go/aimdb/history"
	"github.com/aimdb-go/aimdb/key"
	"github.com/aimdb-go/aimdb/records"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// timeout bounds the wait for an event that must come.
const timeout = 10 * time.Second

type reading struct {
	PPM  int    `json:"ppm"`
	Note string `json:"note,omitempty"`
}

type settings struct {
	Tolerance float64 `json:"tolerance_celsius"`
}

// fixture is a database with one record of each sort, and a server on it.
type fixture struct {
	registry *records.Registry
	co2      *records.Record[reading]  // ring of 8
	door     *records.Record[reading]  // single-latest
	tuned    *records.Record[settings] // single-latest, writable
	bell     *records.Record[reading]  // mailbox, writable
	logged   *records.Record[reading]  // ring of 4, writable, logged
	hidden   *records.Record[reading]  // not remote
	derived  *records.Record[reading]  // made from co2, and writable by mistake
	history  *fakeHistory
	server   *gateway.Server
	limits   gateway.Limits
	socket   string
	tcp      string // host:port
	web      *httptest.Server
}

func register[T any](t testing.TB, r *records.Registry, key string, c records.Config) *records.Record[T] {
	t.Helper()
	record, err := records.Register[T](r, key, c)
	if err != nil {
		t.Fatal(err)
	}
	return record
}

// open builds a fixture and serves it on a socket and a WebSocket.
func open(t testing.TB, change ...func(*gateway.Config)) *fixture {
	t.Helper()
	r := records.NewRegistry(records.RegistryOptions{})
	h := &fixture{
		registry: r,
		co2:      register[reading](t, r, "attic.co2", records.Config{Kind: records.Ring, Capacity: 8, Remote: true, Schema: "co2"}),
		door:     register[reading](t, r, "attic.door", records.Config{Kind: records.Latest, Remote: true}),
		tuned:    register[settings](t, r, "hub.settings", records.Config{Kind: records.Latest, Writable: true}),
		bell:     register[reading](t, r, "hub.bell", records.Config{Kind: records.Mailbox, Writable: true}),
		logged:   register[reading](t, r, "accuracy::vienna", records.Config{Kind: records.Ring, Capacity: 4, Logged: true, Writable: true}),
		hidden:   register[reading](t, r, "cellar.safe", records.Config{Kind: records.Latest}),
		derived:  register[reading](t, r, "attic.air", records.Config{Kind: records.Latest, Writable: true}),
		history:  &fakeHistory{},
	}
	if err := records.Map(h.co2, h.derived, func(v reading) reading { return v }); err != nil {
		t.Fatal(err)
	}
	if err := r.Build(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(r.Close)
	config := gateway.Config{Registry: r, History: h.history, RemoteHistory: true, Name: "house"}
	for _, fn := range change {
		fn(&config)
	}
	h.serve(t, config)
	return h
}

func (h *fixture) serve(t testing.TB, config gateway.Config) {
	t.Helper()
	h.server = gateway.New(config)
	h.socket = filepath.Join(t.TempDir(), "s")
	l, err := gateway.Listen(h.socket)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	tcp, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	h.tcp = tcp.Addr().String()
	served := make(chan error, 2)
	go func() { served <- h.server.Serve(ctx, l) }()
	go func() { served <- h.server.ServeTCP(ctx, tcp) }()
	h.web = httptest.NewServer(h.server.Handler())
	t.Cleanup(func() {
		cancel()
		if err := errors.Join(<-served, <-served); err != nil {
			t.Errorf("Serve: %v", err)
		}
		if err := h.server.Close(); err != nil {
			t.Error(err)
		}
		h.web.Close()
	})
}

func (h *fixture) webSocket() string { return "ws" + strings.TrimPrefix(h.web.URL, "http") + "/ws" }

// fakeHistory is a history of given rows.
type fakeHistory struct {
	rows []history.Row
	err  error
	// hold, if not nil, makes queries wait until it is closed; a query that
	// waits sends to begun.
	hold, begun chan struct{}
	mu          sync.Mutex // guards asked while queries run
	asked       history.LatestQuery
	ranged      history.RangeQuery
	summarized  history.BucketQuery
	buckets     []history.Bucket
	records     []history.RecordStats
}

func (s *fakeHistory) Latest(ctx context.Context, q history.LatestQuery) iter.Seq2[history.Row, error] {
	s.mu.Lock()
	s.asked = q
	s.mu.Unlock()
	rows := s.matching(q.Pattern)
	slices.SortStableFunc(rows, func(a, b history.Row) int {
		return cmp.Or(cmp.Compare(a.Record, b.Record), cmp.Compare(b.Time, a.Time), cmp.Compare(b.ID, a.ID))
	})
	seen := map[string]int{}
	rows = slices.DeleteFunc(rows, func(row history.Row) bool {
		seen[row.Record]++
		return seen[row.Record] > q.Limit
	})
	return yieldAll(ctx, s, rows)
}

// Range yields the rows in the order of their IDs.
func (s *fakeHistory) Range(ctx context.Context, q history.RangeQuery) iter.Seq2[history.Row, error] {
	s.ranged = q
	rows := s.matching(q.Pattern)
	if q.After != nil {
		rows = slices.DeleteFunc(slices.Clone(rows), func(row history.Row) bool { return row.ID <= q.After.ID })
	}
	if q.Total > 0 {
		rows = rows[:min(q.Total, len(rows))]
	}
	return yieldAll(ctx, s, rows)
}

func (s *fakeHistory) Position(context.Context) (history.Snapshot, error) {
	return history.Snapshot{MaxID: int64(len(s.rows))}, s.err
}

func (s *fakeHistory) Buckets(ctx context.Context, q history.BucketQuery) iter.Seq2[history.Bucket, error] {
	s.summarized = q
	return yieldAll(ctx, s, slices.DeleteFunc(slices.Clone(s.buckets), func(b history.Bucket) bool { return !q.Pattern.Match(b.Record) }))
}

func (s *fakeHistory) Stats(context.Context) (history.Stats, error) {
	return history.Stats{Identity: "shelf", Records: s.records, Rows: int64(len(s.rows))}, s.err
}

func (s *fakeHistory) matching(p key.Pattern) []history.Row {
	return slices.DeleteFunc(slices.Clone(s.rows), func(r history.Row) bool { return !p.Match(r.Record) })
}

// yieldAll waits while the history is held, and then yields all elements.
func yieldAll[T any](ctx context.Context, s *fakeHistory, all []T) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		var none T
		if s.hold != nil {
			s.begun <- struct{}{}
			select {
			case <-s.hold:
			case <-ctx.Done():
				yield(none, ctx.Err())
				return
			}
		}
		if s.err != nil {
			yield(none, s.err)
			return
		}
		for _, one := range all {
			if !yield(one, nil) {
				return
			}
		}
	}
}

// expect checks the next frames byte by byte.
func expect(t *testing.T, p peer, want ...string) {
	t.Helper()
	for _, w := range want {
		if got := p.next(t); got != w {
			t.Fatalf("got  %s\nwant %s", got, w)
		}
	}
}

// exchange sends one frame and checks its answer, without msg.
func exchange(t *testing.T, p peer, frame, want string) {
	t.Helper()
	p.send(t, frame)
	if got := withoutMessage(t, p.next(t)); got != want {
		t.Fatalf("%s\ngot  %s\nwant %s", frame, got, want)
	}
}

// withoutMessage removes the explanation from a refusal.
func withoutMessage(t *testing.T, frame string) string {
	t.Helper()
	for member, end := range map[string]string{`,"msg":`: "}", `,"message":`: "}}"} { // the second one is that of the earlier protocol
		before, after, found := strings.Cut(frame, member)
		if !found {
			continue
		}
		var msg string
		if err := json.Unmarshal([]byte(strings.TrimSuffix(after, end)), &msg); err != nil || msg == "" {
			t.Fatalf("no explanation in %s", frame)
		}
		return before + end
	}
	return frame
}

func dial(t testing.TB, endpoint string) *aimx.Client {
	t.Helper()
	c, err := aimx.Dial(t.Context(), endpoint)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	})
	return c
}

func soon(t testing.TB) context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), timeout)
	t.Cleanup(cancel)
	return ctx
}

func closing(t testing.TB, c io.Closer) {
	t.Helper()
	if err := c.Close(); err != nil {
		t.Error(err)
	}
}
