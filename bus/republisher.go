package bus

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"github.com/aimdb-go/aimdb/records"
)

// DefaultDrain bounds how long a republisher continues after its context has ended.
const DefaultDrain = 10 * time.Second

// Republisher publishes the values of all records of a registry: those of Logged
// records into the log, those of other Remote records to live subscribers. A registry
// has one.
type Republisher struct {
	// Drain bounds how long Run continues to move values from the rings into the log
	// after its context has ended, unless EndBy has been called.
	Drain time.Duration

	bus      *Bus
	records  loggedRecords
	feed     *records.Feed
	live     *live
	unwatch  func() // ends the calls of include for records that are added
	writer   atomic.Pointer[writer]
	progress broadcast
	mark     *markFile // nil without a StateDir
	drainEnd atomic.Pointer[context.Context]

	published, refused atomic.Uint64
	last               atomic.Uint64
	underway           atomic.Int64
	spare              chan []entry
}

// Drained is the result of the drain at the end of a republisher.
type Drained struct {
	// Flushed is how many values were logged after the context ended.
	Flushed uint64
	// Left is how many values were read from their rings but are not in the log.
	Left uint64
	// Records is how many records have unread values in their rings.
	Records int
}

// Republisher creates the republisher of a registry. It reads Logged records from
// their first value, so it may be created and run after the first write. It also
// publishes the values of records that are added to the registry later.
func (b *Bus) Republisher(reg *records.Registry) *Republisher {
	r := &Republisher{
		Drain: DefaultDrain, bus: b,
		spare: make(chan []entry, batchWindow+2),
	}
	if b.config.StateDir != "" {
		r.mark = &markFile{path: b.markPath(), mark: Mark{Log: b.identity}}
		r.mark.mark.hold(b.stateAtOpen)
	}
	r.last.Store(b.endAtOpen)
	r.feed = reg.NewFeed(records.LogReader, nil)
	r.live = newLive(b, reg)
	r.unwatch = reg.OnAdd(r.include)
	for _, h := range reg.Records() {
		r.include(h)
	}
	b.mu.Lock()
	b.republisher = r
	b.mu.Unlock()
	return r
}

// Run publishes until ctx ends. It then drains the rings into the log, for no longer
// than Drain or EndBy allow. An outage of the log is not an error: Run retries. It
// returns ErrTakenOver if another process has opened the log on a shared server.
func (r *Republisher) Run(ctx context.Context) error {
	// Values that were produced before ctx ended are logged even if it ended early.
	hard, stop := r.drainContext(ctx)
	defer stop()
	w, err := newWriter(hard, r.bus, r, r.bus.OpenedAt())
	if err != nil {
		return err
	}
	defer w.close()
	r.writer.Store(w)

	taking, stopTaking := context.WithCancel(ctx)
	defer stopTaking()
	var wg sync.WaitGroup
	wg.Go(func() { r.live.run(taking) })
	marking, stopMarking := context.WithCancel(context.WithoutCancel(ctx))
	var marked sync.WaitGroup
	marked.Go(func() { r.keepMark(marking) })
	settling := make(chan error, 1)
	go func() {
		err := w.run(hard)
		if err != nil {
			stop() // nothing is written any more
			stopTaking()
		}
		settling <- err
	}()

	before := r.forward(taking, hard, w)
	close(w.inflight)
	err = <-settling
	wg.Wait()
	stopMarking()
	marked.Wait()
	r.unwatch()
	r.feed.Close()
	r.logDrained(Drained{
		Flushed: r.published.Load() - before,
		Left:    uint64(max(0, r.underway.Load())),
		Records: r.feed.Pending(),
	})
	if err != nil && errors.Is(err, hard.Err()) {
		return nil // logDrained has logged it
	}
	return err
}

// EndBy replaces Drain: the drain of Run ends when left does. Call it before the
// context of Run ends.
func (r *Republisher) EndBy(left context.Context) { r.drainEnd.Store(&left) }

// drainContext returns a context that ends when the time for draining is over.
func (r *Republisher) drainContext(ctx context.Context) (context.Context, context.CancelFunc) {
	hard, cancel := context.WithCancel(context.WithoutCancel(ctx))
	stop := context.AfterFunc(ctx, func() {
		if left := r.drainEnd.Load(); left != nil {
			context.AfterFunc(*left, cancel)
			return
		}
		timer := time.AfterFunc(r.Drain, cancel)
		context.AfterFunc(hard, func() { timer.Stop() })
	})
	return hard, func() { stop(); cancel() }
}

func (r *Republisher) logDrained(d Drained) {
	level := r.bus.log.Info
	if d.Left > 0 || d.Records > 0 {
		level = r.bus.log.Warn
	}
	level("bus: the republisher has ended", "flushed", d.Flushed, "left", d.Left, "records_with_values_left", d.Records)
}

// forward moves values from the rings to the writer until ctx has ended and the
// rings are empty, or until hard ends. It returns how many values were published when
// ctx ended.
func (r *Republisher) forward(ctx, hard context.Context, w *writer) (before uint64) {
	items := make([]records.Item, batchMax)
	draining := false
	for hard.Err() == nil {
		n, err := r.feed.Take(ctx, items)
		if ctx.Err() != nil && !draining {
			draining, before = true, r.published.Load()
		}
		if err != nil {
			break
		}
		if err := r.publish(hard, w, items[:n]); err != nil {
			break
		}
		clear(items[:n])
	}
	if !draining {
		before = r.published.Load()
	}
	return before
}

// publish sends values in batches.
func (r *Republisher) publish(hard context.Context, w *writer, items []records.Item) error {
	entries, size := r.newEntries(), 0
	byID := r.records.all()
	for i := range items {
		if len(entries) > batchMax-2 || size > batchBytes {
			if err := r.send(hard, w, entries); err != nil {
				return err
			}
			entries, size = r.newEntries(), 0
		}
		s := byID[items[i].Record.ID()]
		before := len(entries)
		entries = r.appendValue(entries, s, &items[i].Encoded)
		for j := before; j < len(entries); j++ {
			size += entries[j].size()
		}
	}
	return r.send(hard, w, entries)
}

func (r *Republisher) send(hard context.Context, w *writer, entries []entry) error {
	if len(entries) == 0 {
		return nil
	}
	r.underway.Add(int64(len(entries)))
	return w.write(hard, entries)
}

// logged implements owner.
func (r *Republisher) logged(entries []entry, last uint64) {
	if r.mark != nil {
		r.mark.advance(last)
	}
	own := 0
	for i := range entries {
		e := &entries[i]
		if e.record != nil {
			own++
		}
		if e.record == nil || i+1 < len(entries) && entries[i+1].record == e.record {
			continue // a tombstone, or acknowledging the next one acknowledges both
		}
		e.record.ackedNumber.Store(e.logNumber)
		e.record.record.AckLogged(e.ringNumber)
	}
	r.published.Add(uint64(own))
	r.underway.Add(-int64(own))
	r.last.Store(last)
	r.progress.wake()
}

// newEntries returns an empty list of entries, a recycled one if there is one.
func (r *Republisher) newEntries() []entry {
	select {
	case e := <-r.spare:
		return e[:0]
	default:
		return make([]entry, 0, batchMax)
	}
}

// recycle implements owner.
func (r *Republisher) recycle(entries []entry) {
	clear(entries)
	select {
	case r.spare <- entries:
	default:
	}
}
