package hub_test

import (
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/aimdb-go/aimdb/bus"
	"github.com/aimdb-go/aimdb/bus/hub"
)

// A log that the site has created again is read from its start, and named.
func TestALogThatWasCreatedAgain(t *testing.T) {
	t.Parallel()
	h := openHub(t, t.TempDir(), hub.Config{}, "north")
	h.run(t)
	dir := t.TempDir()
	north := startSite(t, dir, "north", h.server.LeafAddr())
	north.produce(t, 8)
	first := h.await(t, "north")
	north.stop()
	for _, name := range []string{"log", "log.mark"} {
		if err := os.RemoveAll(filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	north = startSite(t, dir, "north", h.server.LeafAddr())
	north.produce(t, 3)
	s := h.await(t, "north")
	if len(s.Logs) != 2 || s.Logs[0].Messages != 8 || s.Logs[0].Stream == s.Logs[1].Stream || s.Identity == first.Identity || len(s.Notes) != 1 || len(s.Repeats) != 0 {
		t.Errorf("%+v", s)
	}
	if got := h.values(t, "north"); !slices.Equal(got, append(upTo(8), upTo(3)...)) {
		t.Errorf("the hub has %v", got)
	}
}

// A site whose server has made another stream of the same messages is read twice, and that
// is named.
func TestALogThatWasAdoptedAgain(t *testing.T) {
	t.Parallel()
	h := openHub(t, t.TempDir(), hub.Config{}, "north")
	h.run(t)
	dir := t.TempDir()
	north := startSite(t, dir, "north", h.server.LeafAddr())
	north.produce(t, 8)
	first := h.await(t, "north")
	north.stop()
	descriptions, err := filepath.Glob(filepath.Join(dir, "log", "jetstream", "*", "streams", "*", "meta.*"))
	if err != nil || len(descriptions) == 0 {
		t.Fatalf("the descriptions are %v, %v", descriptions, err)
	}
	for _, name := range descriptions {
		if err := os.Remove(name); err != nil {
			t.Fatal(err)
		}
	}
	north = startSite(t, dir, "north", h.server.LeafAddr())
	north.produce(t, 3)
	s := h.await(t, "north")
	want := []hub.Repeat{{Record: "room::open", Count: 8}}
	if len(s.Logs) != 2 || s.Logs[1].First != first.Logs[0].First || !slices.Equal(s.Repeats, want) || s.Verdict != hub.UnknownLoss {
		t.Errorf("%+v", s)
	}
}

// Messages that a source has passed over are named by their sequences at the site, and
// the values by their numbers.
func TestMissingMessagesAreNamed(t *testing.T) {
	t.Parallel()
	h := openHub(t, t.TempDir(), hub.Config{}, "north")
	north := startSite(t, t.TempDir(), "north", h.server.LeafAddr())
	h.reconfigure(t, func(s *jetstream.StreamSource) { s.FilterSubject = "aimdb.north.log.nothing" })
	north.produce(t, 10)
	log := h.siteEnd(t)
	// As if the source had passed over the first messages, and then some in the middle.
	h.reconfigure(t, func(s *jetstream.StreamSource) { s.FilterSubject, s.OptStartSeq = "aimdb.north.log.>", log+1 })
	north.produce(t, 5)
	h.awaitMessages(t, 5)
	h.reconfigure(t, func(s *jetstream.StreamSource) { s.FilterSubject = "aimdb.north.log.nothing" })
	north.produce(t, 4)
	end := h.siteEnd(t)
	// Another external prefix makes it another source, which does not know what the stream has.
	h.reconfigure(t, func(s *jetstream.StreamSource) {
		s.FilterSubject, s.OptStartSeq, s.External.DeliverPrefix = "aimdb.north.log.*.>", end+1, bus.DeliverPrefix("north")
	})
	north.produce(t, 2)
	h.awaitMessages(t, 7)
	v, err := h.Verify(deadline(t))
	if err != nil {
		t.Fatal(err)
	}
	s := v.Sites[0]
	missing, holes := uint64(0), uint64(0)
	for _, r := range s.Missing {
		missing += r.Count
	}
	for _, hole := range s.Holes {
		holes += hole.Count()
	}
	if s.Verdict != hub.UnknownLoss || !s.Compared || missing != 14 || len(s.Missing) != 2 || s.Missing[0].From > log || s.Missing[1].To > end+2 {
		t.Errorf("missing are %+v of a site with %d sequences at first and %d at last", s, log, end)
	}
	if holes != 14 || len(s.Holes) != 2 || s.Holes[0].Cause != hub.BeforeHub || s.Holes[1].Cause != hub.Unexplained || s.Holes[1].Record != "room::open" || s.Holes[1].From != 16 || s.Holes[1].To != 19 {
		t.Errorf("the holes are %+v", s.Holes)
	}
}

// siteEnd returns the last sequence of the only site.
func (h *center) siteEnd(t testing.TB) uint64 {
	t.Helper()
	for ctx := deadline(t); ; {
		v, err := h.Verify(ctx)
		if err != nil {
			t.Fatal(err)
		}
		if s := v.Sites[0]; s.Answers {
			return s.Last
		}
	}
}

func (h *center) awaitMessages(t testing.TB, n uint64) {
	t.Helper()
	for ctx := deadline(t); ; {
		v, err := h.Verify(ctx)
		if err != nil {
			t.Fatal(err)
		}
		if v.Messages >= n {
			return
		}
		time.Sleep(20 * time.Millisecond)
	}
}
