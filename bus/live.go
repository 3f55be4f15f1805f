package bus

import (
	"context"
	"time"

	"github.com/aimdb-go/aimdb/records"
)

// interestEvery is how often the server's count of subscriptions is looked
// at. Two numbers are compared; only when they have changed are the records
// gone through.
const interestEvery = 200 * time.Millisecond

// live sends the values of records that are not in the log to those who
// listen. A record nobody listens to is paused in the feed and costs nothing.
type live struct {
	bus     *Bus
	records []*records.Untyped
	lanes   map[*records.Untyped]*subjectLane
	wanted  map[*records.Untyped]bool
	feed    *records.Feed
	changes uint64
}

func newLive(b *Bus, reg *records.Registry, handles []*records.Untyped) *live {
	l := &live{bus: b, records: handles, lanes: map[*records.Untyped]*subjectLane{}, wanted: map[*records.Untyped]bool{}}
	l.feed = reg.NewFeed("live", handles)
	for _, h := range handles {
		l.feed.Pause(h)
		l.lanes[h] = newSubjectLane(h.Key(), b.subjects.of(liveKind, h.Segments()))
	}
	return l
}

// run works until ctx ends. Live values are for those who listen now: there
// is nothing to drain.
func (l *live) run(ctx context.Context) {
	defer l.feed.Close()
	if len(l.records) == 0 {
		return
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		l.publish(ctx)
	}()
	l.watch(ctx)
	<-done
}

// watch keeps the feed to the records somebody listens to.
func (l *live) watch(ctx context.Context) {
	ticker := time.NewTicker(interestEvery)
	defer ticker.Stop()
	for {
		l.updateInterest()
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return
		}
	}
}

func (l *live) updateInterest() {
	changes := l.bus.server.SubscriptionChanges()
	if changes == l.changes {
		return
	}
	l.changes = changes
	for _, h := range l.records {
		wanted := l.bus.server.Subscribed(l.lanes[h].subject)
		if wanted == l.wanted[h] {
			continue
		}
		l.wanted[h] = wanted
		if wanted {
			l.feed.Resume(h)
		} else {
			l.feed.Pause(h)
		}
	}
}

func (l *live) publish(ctx context.Context) {
	p := l.bus.publisher()
	defer p.Close()
	items := make([]records.Item, 256)
	var header []byte
	for {
		n, err := l.feed.Take(ctx, items)
		if err != nil || ctx.Err() != nil {
			return
		}
		for i := range items[:n] {
			v := &items[i].Encoded
			if v.Err != nil || len(v.JSON) > l.bus.config.MaxValue {
				continue // counted by the record, or too large to send
			}
			e := entry{lane: l.lanes[items[i].Record], time: v.Time, lost: v.Missed, value: v.JSON}
			if e.time == 0 {
				e.time = time.Now().UnixMilli()
			}
			header = e.headers(header[:0], 0)
			p.Add(e.lane.subject, nil, header, v.JSON)
		}
		clear(items[:n])
		if err := p.Flush(); err != nil && ctx.Err() == nil {
			l.bus.log.Warn("bus: live values did not go out", "values", n, "error", err)
			p.Close()
		}
	}
}
