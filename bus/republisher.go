package bus

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/aimdb-go/aimdb/loss"
	"github.com/aimdb-go/aimdb/records"
)

// DefaultDrain is how long a republisher goes on after its context has ended.
const DefaultDrain = 10 * time.Second

// Republisher brings the values of all records of a registry to the log, and
// those that are not logged to whoever listens. There is one of a registry.
type Republisher struct {
	// Drain bounds how long Run goes on, after its context has ended, to
	// bring what is in the rings to the log, unless EndBy has been called.
	Drain time.Duration

	bus     *Bus
	byID    []*source // by the number of the record
	feed    *records.Feed
	live    *live
	writer  atomic.Pointer[writer]
	changed change
	left    atomic.Pointer[context.Context]

	published, refused atomic.Uint64
	last               atomic.Uint64
	underway           atomic.Int64
	spare              chan []entry
}

// source is one record whose values go to the log.
type source struct {
	handle *records.Untyped
	values *subjectLane
	losses *subjectLane // made when the first value is lost
	// lost counts values dropped since the last published one.
	lost uint64
	// logged counts what was to be logged, time is when the last of it was
	// written.
	logged atomic.Uint64
	// acked is the number of the last one that the log has acknowledged.
	acked atomic.Uint64
	time  int64
}

// Drained says what a republisher did at its end.
type Drained struct {
	// Flushed is how many values went to the log after the context ended.
	Flushed uint64
	// Left is how many were read from their rings but are not in the log.
	Left uint64
	// Records is how many records have values in memory that were not read.
	Records int
}

// Republisher makes the republisher of a registry. Records that are Logged are
// read from their first value, so it may be made, and run, after the first
// write.
func (b *Bus) Republisher(reg *records.Registry) *Republisher {
	r := &Republisher{
		Drain: DefaultDrain, bus: b,
		spare: make(chan []entry, batchWindow+2),
	}
	var logged, others []*records.Untyped
	handles := reg.Records()
	r.byID = make([]*source, len(handles))
	for _, h := range handles {
		if !h.Config().Logged {
			others = append(others, h)
			continue
		}
		logged = append(logged, h)
		s := &source{
			handle: h,
			values: newSubjectLane(h.Key(), b.subjects.of(logKind, h.Segments())),
		}
		if l, left := b.leftBehind[h.Key()]; left {
			s.lost = l.Count // on the record's next message
			h.AddLoss(l)
		}
		r.byID[h.ID()] = s
	}
	r.last.Store(b.openedAt)
	r.feed = reg.NewFeed(records.LogReader, logged)
	r.live = newLive(b, reg, others)
	b.mu.Lock()
	b.republisher = r
	b.mu.Unlock()
	return r
}

// Run works until ctx ends, then brings what is in the rings to the log, for
// no longer than Drain or EndBy allow, and returns. It returns an error only
// for what it cannot wait out; a log that takes nothing for a while is not such
// a thing.
func (r *Republisher) Run(ctx context.Context) error {
	// What was produced before an end that comes early goes to the log too.
	hard, stop := r.drainContext(ctx)
	defer stop()
	w, err := newWriter(hard, r.bus, r)
	if err != nil {
		return err
	}
	defer w.close()
	r.writer.Store(w)

	var wg sync.WaitGroup
	wg.Go(func() { r.live.run(ctx) })
	marking, stopMarking := context.WithCancel(context.WithoutCancel(ctx))
	var marked sync.WaitGroup
	marked.Go(func() { r.keepMark(marking) })
	settling := make(chan error, 1)
	go func() { settling <- w.run(hard) }()

	before := r.readWrite(ctx, hard, w)
	close(w.inflight)
	err = <-settling
	wg.Wait()
	stopMarking()
	marked.Wait()
	r.feed.Close()
	r.logEnd(Drained{
		Flushed: r.published.Load() - before,
		Left:    uint64(max(0, r.underway.Load())),
		Records: r.feed.Pending(),
	})
	if err != nil && errors.Is(err, hard.Err()) {
		return nil // said in the line above
	}
	return err
}

// EndBy gives Run the time until left ends, in place of Drain. It is to be
// called before the context of Run ends.
func (r *Republisher) EndBy(left context.Context) { r.left.Store(&left) }

// drainContext ends after its parent has, when the time for the rest is over.
func (r *Republisher) drainContext(ctx context.Context) (context.Context, context.CancelFunc) {
	hard, cancel := context.WithCancel(context.WithoutCancel(ctx))
	stop := context.AfterFunc(ctx, func() {
		if left := r.left.Load(); left != nil {
			context.AfterFunc(*left, cancel)
			return
		}
		timer := time.AfterFunc(r.Drain, cancel)
		context.AfterFunc(hard, func() { timer.Stop() })
	})
	return hard, func() { stop(); cancel() }
}

func (r *Republisher) logEnd(d Drained) {
	level := r.bus.log.Info
	if d.Left > 0 || d.Records > 0 {
		level = r.bus.log.Warn
	}
	level("bus: the republisher has ended", "flushed", d.Flushed, "left", d.Left, "records_with_values_left", d.Records)
}

// readWrite moves values from the rings to the writer until ctx has ended and
// nothing is left, or hard ends. It returns how many were published when ctx
// ended.
func (r *Republisher) readWrite(ctx, hard context.Context, w *writer) (before uint64) {
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

// publish makes messages of values and sends them in batches.
func (r *Republisher) publish(hard context.Context, w *writer, items []records.Item) error {
	entries, size := r.fresh(), 0
	for i := range items {
		if len(entries) > batchMax-2 || size > batchBytes {
			if err := r.send(hard, w, entries); err != nil {
				return err
			}
			entries, size = r.fresh(), 0
		}
		s := r.byID[items[i].Record.ID()]
		before := len(entries)
		entries = r.append(entries, s, &items[i].Encoded)
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

// append adds what one value makes: its message, and one about a loss before
// it or of it.
func (r *Republisher) append(entries []entry, s *source, v *records.Encoded) []entry {
	if v.Missed > 0 && s.handle.Kind() == records.Ring {
		entries = append(entries, r.loss(s, v, loss.Loss{
			Cause: loss.RingOverrun, Count: v.Missed, From: v.Number - v.Missed, To: v.Number - 1, FirstTime: s.time,
		}))
	}
	one := loss.Loss{Count: 1, From: v.Number, To: v.Number, FirstTime: v.Time}
	switch {
	case v.Err != nil:
		one.Cause = loss.NotEncodable
		return append(entries, r.loss(s, v, one))
	case len(v.JSON) > r.bus.config.MaxValue:
		one.Cause = loss.LogRefused
		r.refuse(s, v)
		return append(entries, r.loss(s, v, one))
	}
	s.time = v.Time
	e := entry{lane: s.values, time: v.Time, lost: s.lost, value: v.JSON, number: v.Number, logged: s.logged.Add(1), from: s}
	s.lost = 0
	return append(entries, e)
}

// loss makes the message that brings a loss to the ledgers of all sinks.
func (r *Republisher) loss(s *source, v *records.Encoded, l loss.Loss) entry {
	l.Record, l.LastTime = s.handle.Key(), v.Time
	s.lost += l.Count
	s.time = v.Time
	value, err := json.Marshal(l)
	if err != nil { // a Loss holds strings and numbers
		panic(fmt.Sprintf("bus: encode a loss: %v", err))
	}
	if s.losses == nil {
		s.losses = newSubjectLane(l.Record, r.bus.subjects.of(lossKind, s.handle.Segments()))
	}
	return entry{lane: s.losses, time: v.Time, value: value, number: l.To, logged: s.logged.Add(l.Count), from: s}
}

// refuse counts a value that is too large and tells who waits for it.
func (r *Republisher) refuse(s *source, v *records.Encoded) {
	err := fmt.Errorf("bus: value %d of record %q has %d bytes; the log takes no more than %d", v.Number, s.handle.Key(), len(v.JSON), r.bus.config.MaxValue)
	s.handle.FailLogged(v.Number, v.Number, err)
	s.handle.AddLoss(loss.Loss{
		Record: s.handle.Key(), Cause: loss.LogRefused, Count: 1,
		From: v.Number, To: v.Number, FirstTime: v.Time, LastTime: v.Time,
	})
	if r.refused.Add(1) == 1 {
		r.bus.log.Warn("bus: a value is too large for the log; further ones are only counted", "error", err)
	}
}

// settled is told that entries are in the log, in order.
func (r *Republisher) settled(entries []entry, last uint64) {
	own := 0
	for i := range entries {
		e := &entries[i]
		if e.from != nil {
			own++
		}
		if e.from == nil || i+1 < len(entries) && entries[i+1].from == e.from {
			continue // a tombstone, or the next one speaks for both
		}
		e.from.acked.Store(e.logged)
		e.from.handle.AckLogged(e.number)
	}
	r.published.Add(uint64(own))
	r.underway.Add(-int64(own))
	r.last.Store(last)
	r.changed.fire()
}

// fresh returns an empty list of entries, an old one if there is one.
func (r *Republisher) fresh() []entry {
	select {
	case e := <-r.spare:
		return e[:0]
	default:
		return make([]entry, 0, batchMax)
	}
}

func (r *Republisher) recycle(entries []entry) {
	clear(entries)
	select {
	case r.spare <- entries:
	default:
	}
}
