package bus

import (
	"context"
	"errors"
	"math"
	"sync"
	"time"

	"github.com/aimdb-go/aimdb/records"
)

// interestInterval is how often subscriptions are checked. The check compares one
// counter of the server, and looks at the records only if it has changed.
const interestInterval = 250 * time.Millisecond

// live publishes the values of Remote records that are not logged to those who
// subscribe to them. A record without subscribers is paused in the feed and costs nothing.
type live struct {
	bus  *Bus
	feed *records.Feed
	// first is closed when there is a record.
	first chan struct{}
	// changes is the server's count at the last check.
	changes uint64
	// checks asks for a check at once, which closes the channel that is sent. ended is
	// closed when there are none any more.
	checks chan chan<- struct{}
	ended  chan struct{}

	mu      sync.Mutex
	records map[*records.Untyped]*liveRecord
}

// liveRecord is a record of live.
type liveRecord struct {
	lane   *subjectLane
	wanted bool
}

func newLive(b *Bus, reg *records.Registry) *live {
	return &live{bus: b, feed: reg.NewFeed("live", nil), records: map[*records.Untyped]*liveRecord{}, changes: math.MaxUint64,
		first: make(chan struct{}), checks: make(chan chan<- struct{}), ended: make(chan struct{})}
}

// add adds a record. Its values are published from the next one on if there is a
// subscription already.
func (l *live) add(h *records.Untyped) {
	r := &liveRecord{lane: newValueLane(h, l.bus.subjects.of(liveKind, h.Segments()))}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.records[h] != nil {
		return
	}
	l.records[h] = r
	l.feed.Add(h)
	if r.wanted = l.bus.server.Listens() && l.bus.server.Subscribed(r.lane.subject); !r.wanted {
		l.feed.Pause(h)
	}
	if len(l.records) == 1 {
		close(l.first)
	}
}

// run publishes until ctx ends. There is nothing to drain: live values are for current
// subscribers. Without a listener nobody can subscribe, and run returns at once.
func (l *live) run(ctx context.Context) {
	defer l.feed.Close()
	defer close(l.ended)
	if !l.bus.server.Listens() {
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
	var ticks <-chan time.Time
	first := l.first
	for {
		l.updateInterest()
		select {
		case <-first:
			first = nil
			ticker := time.NewTicker(interestInterval)
			defer ticker.Stop()
			ticks = ticker.C
		case <-ticks:
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
	l.mu.Lock()
	defer l.mu.Unlock()
	for h, r := range l.records {
		wanted := l.bus.server.Subscribed(r.lane.subject)
		if wanted == r.wanted {
			continue
		}
		r.wanted = wanted
		if wanted {
			l.feed.Resume(h)
		} else {
			l.feed.Pause(h)
		}
	}
}

// laneOf returns the lane of a record.
func (l *live) laneOf(h *records.Untyped) *subjectLane {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.records[h].lane
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
			e := entry{lane: l.laneOf(items[i].Record), time: v.Time, lost: v.Missed, value: v.JSON}
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
