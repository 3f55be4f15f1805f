package hub_test

import (
	"os"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/aimdb-go/aimdb/bus"
	"github.com/aimdb-go/aimdb/bus/hub"
	"github.com/aimdb-go/aimdb/internal/tcpproxy"
)

// reconfigure changes the source of the only site. The hub is not told.
func (h *center) reconfigure(t testing.TB, change func(*jetstream.StreamSource)) {
	t.Helper()
	stream, err := h.js.Stream(deadline(t), bus.HubStreamName("hub"))
	if err != nil {
		t.Fatal(err)
	}
	c := stream.CachedInfo().Config
	change(c.Sources[0])
	if _, err := h.js.UpdateStream(deadline(t), c); err != nil {
		t.Fatal(err)
	}
}

// A source that brings nothing although the site answers is added again, without a
// message twice, and that is counted.
func TestASleepingSourceIsMended(t *testing.T) {
	t.Parallel()
	h := openHub(t, t.TempDir(), hub.Config{}, "north")
	h.run(t)
	north := startSite(t, t.TempDir(), "north", h.server.LeafAddr())
	north.produce(t, 10)
	h.await(t, "north")
	before := h.Stats()[0].Mended
	h.reconfigure(t, func(s *jetstream.StreamSource) { s.FilterSubject = "aimdb.north.log.nothing" })
	north.produce(t, 10)
	v, err := h.Verify(deadline(t))
	if err != nil {
		t.Fatal(err)
	}
	if s := v.Sites[0]; s.Lag != 10 || s.Verdict != hub.Complete {
		t.Fatalf("while the source sleeps: %+v", s)
	}
	s := h.await(t, "north")
	if got := h.values(t, "north"); !slices.Equal(got, upTo(20)) || s.Verdict != hub.Complete {
		t.Errorf("the hub has %v, %+v", got, s)
	}
	for h.Stats()[0].Lag > 0 {
		time.Sleep(10 * time.Millisecond) // until the next comparison
	}
	if got := h.Stats()[0]; got.Mended != before+1 || !got.Answers {
		t.Errorf("the stats are %+v, and %d sources were mended before", got, before)
	}
}

// Sources that are added again and again while messages flow bring none twice.
func TestAMendedSourceBringsNothingTwice(t *testing.T) {
	t.Parallel()
	h := openHub(t, t.TempDir(), hub.Config{}, "north")
	h.run(t)
	north := startSite(t, t.TempDir(), "north", h.server.LeafAddr())
	for range 4 {
		flowing := make(chan struct{})
		go func() {
			defer close(flowing)
			for range 20 {
				north.produce(t, 50)
			}
		}()
		h.reconfigure(t, func(s *jetstream.StreamSource) { s.FilterSubject = "aimdb.north.log.nothing" })
		h.reconfigure(t, func(s *jetstream.StreamSource) { s.FilterSubject = "aimdb.north.log.>" })
		<-flowing
		h.await(t, "north")
	}
	s := h.await(t, "north")
	if got := h.values(t, "north"); !slices.Equal(got, upTo(north.n)) || s.Verdict != hub.Complete {
		t.Errorf("the hub has %d values of %d, %+v", len(got), north.n, s)
	}
}

// A site that is cut off again and again loses nothing. AIMDB_CUTS sets how often.
func TestManyCuts(t *testing.T) {
	t.Parallel()
	cuts := 4
	if n, err := strconv.Atoi(os.Getenv("AIMDB_CUTS")); err == nil {
		cuts = n
	}
	h := openHub(t, t.TempDir(), hub.Config{}, "north")
	h.run(t)
	wire, err := tcpproxy.New(h.server.LeafAddr())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(wire.Cut)
	north := startSite(t, t.TempDir(), "north", wire.Address())
	for range cuts {
		north.produce(t, 100)
		wire.Cut()
		north.produce(t, 100)
		if err := wire.Join(); err != nil {
			t.Fatal(err)
		}
	}
	s := h.await(t, "north")
	if got := h.values(t, "north"); !slices.Equal(got, upTo(north.n)) || s.Verdict != hub.Complete {
		t.Errorf("the hub has %d values of %d, %+v", len(got), north.n, s)
	}
	t.Logf("%+v", h.Stats())
}
