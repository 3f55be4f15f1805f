package bus

import (
	"context"
	"errors"
	"math"
	"time"

	"github.com/aimdb-go/aimdb/records"
)

// interestInterval is how often subscriptions are checked. The check compares one
// counter of the server, and looks at the records only if it has changed.
const interestInterval = 250 * time.Millisecond

// live publishes the values of Remote records that are not logged to those who
// subscribe to them. A record without subscribers is paused in the feed and costs nothing.
type live struct {
	bus     *Bus
	records []*records.Untyped
	lanes   map[*records.Untyped]*subjectLane
	wanted  map[*records.Untyped]bool
	feed    *records.Feed
	// changes is the server's count at the last check.
	changes uint64
	// checks asks for a check at once, which closes the channel that is sent. ended is
	// closed when there are none any more.
	checks chan chan<- struct{}
	ended  chan struct{}
}

func newLive(b *Bus, reg *records.Registry, unlogged []*records.Untyped) *live {
	l := &live{bus: b, records: unlogged, lanes: map[*records.Untyped]*subjectLane{}, wanted: map[*records.Untyped]bool{}, changes: math.MaxUint64,
		checks: make(chan chan<- struct{}), ended: make(chan struct{})}
	l.feed = reg.NewFeed("live", unlogged)
	for _, r := range unlogged {
		l.feed.Pause(r)
		l.lanes[r] = newValueLane(r, b.subjects.of(liveKind, r.Segments()))
	}
	return l
}

// run publishes until ctx ends. There is nothing to drain: live values are for current
// subscribers. Without a listener nobody can subscribe, and run returns at once.
func (l *live) run(ctx context.Context) {
	defer l.feed.Close()
	defer close(l.ended)
	if len(l.records) == 0 || !l.bus.server.Listens() {
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

// watch keeps records paused that nobody subscribes to.
func (l *live) watch(ctx context.Context) {
	ticker := time.NewTicker(interestInterval)
	defer ticker.Stop()
	for {
		l.updateInterest()
		select {
		case <-ticker.C:
		case checked := <-l.checks:
			l.updateInterest()
			close(checked)
		case <-ctx.Done():
			return
		}
	}
}

// AwaitLive returns when the values of Remote records that are not logged are published
// to all who have subscribed to them before the call.
func (b *Bus) AwaitLive(ctx context.Context) error {
	b.mu.Lock()
	r := b.republisher
	b.mu.Unlock()
	if r == nil {
		return errors.New("bus: the database does not publish live values yet")
	}
	checked := make(chan struct{})
	select {
	case r.live.checks <- checked:
	case <-r.live.ended:
		return nil // there are no such records
	case <-ctx.Done():
		return ctx.Err()
	}
	select {
	case <-checked:
		return nil
	case <-r.live.ended:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (l *live) updateInterest() {
	changes := l.bus.server.SubscriptionChanges()
	if changes == l.changes {
		return
	}
	l.changes = changes
	for _, r := range l.records {
		wanted := l.bus.server.Subscribed(l.lanes[r].subject)
		if wanted == l.wanted[r] {
			continue
		}
		l.wanted[r] = wanted
		if wanted {
			l.feed.Resume(r)
		} else {
			l.feed.Pause(r)
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
				continue // counted by the record, or more than a server must accept
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
			l.bus.log.Warn("bus: live values could not be published", "values", n, "error", err)
			p.Close()
		}
	}
}
