package records

import (
	"context"
	"fmt"
	"github.com/aimdb-go/aimdb/loss"
	"slices"
)

// ProduceLogged makes v the newest value and waits until the log has acknowledged
// it. It returns a *LostError if the value was lost before, ErrSuperseded, ErrClosed,
// or the error of ctx; in the last case the value may still reach the log. Like Send
// it first waits for space, for the log too, and so it blocks before Run once the
// buffer is full. The record must be Logged.
func (r *Record[T]) ProduceLogged(ctx context.Context, v T) error {
	u := &r.untyped
	if !u.config.Logged {
		return fmt.Errorf("produce logged to record %q: it is not logged; register it with Config.Logged", u.key.String())
	}
	ack, err := r.sendLogged(ctx, v)
	if err != nil {
		return fmt.Errorf("produce logged to record %q: %w", u.key.String(), err)
	}
	return ack.Wait(ctx)
}

// sendLogged waits for space, for the log too, and makes v the newest value.
func (r *Record[T]) sendLogged(ctx context.Context, v T) (ack Ack, err error) {
	u := &r.untyped
	u.mu.Lock()
	if err := u.awaitSpace(ctx, u.ackNeeds); err != nil {
		u.mu.Unlock()
		return Ack{}, err
	}
	r.put(v)
	if u.config.Logged {
		ack = u.expectAck(uint64(u.newest))
	}
	u.mu.Unlock()
	if r.signal != nil {
		r.measure(v)
	}
	return ack, nil
}

// Ack is one value that was set, for who waits until the log has it. The zero Ack has
// nothing to wait for.
type Ack struct {
	record *Untyped
	*outcome
}

// outcome is what became of a value. The lock of the record guards it.
type outcome struct {
	number  uint64
	settled bool
	err     error
	// done is nil unless somebody waits.
	done chan struct{}
}

// Settled reports whether Wait returns at once.
func (a Ack) Settled() bool {
	if a.outcome == nil {
		return true
	}
	a.record.mu.Lock()
	defer a.record.mu.Unlock()
	return a.settled
}

// Done returns a channel that is closed when Wait returns at once. It is nil for an Ack that
// has nothing to wait for.
func (a Ack) Done() <-chan struct{} {
	if a.outcome == nil {
		return nil
	}
	a.record.mu.Lock()
	defer a.record.mu.Unlock()
	if a.done == nil {
		a.done = make(chan struct{})
		if a.settled {
			close(a.done)
		}
	}
	if !a.settled {
		a.record.wakeFeeds() // none of them lingers
	}
	return a.done
}

// Logged reports whether the record is logged, so that there is something to wait for.
func (a Ack) Logged() bool { return a.outcome != nil }

// Wait returns when the log has the value. Its errors are those of ProduceLogged.
func (a Ack) Wait(ctx context.Context) error {
	if a.outcome == nil {
		return nil
	}
	if a.Settled() {
		return a.err
	}
	select {
	case <-a.Done():
		return a.err
	case <-ctx.Done():
		return fmt.Errorf("record %q: value %d: wait for the log: %w", a.record.key.String(), a.number, ctx.Err())
	}
}

// settle ends the wait.
func (o *outcome) settle(err error) {
	o.settled, o.err = true, err
	if o.done != nil {
		close(o.done)
	}
}

// acks are the values whose outcome is open, in the order of the numbers. A nil *acks has
// none.
type acks struct {
	waiting []*outcome
}

// expectAck returns the outcome of a value. The caller holds the lock.
func (u *Untyped) expectAck(number uint64) Ack {
	if u.acks == nil {
		u.acks = &acks{}
	}
	o := &outcome{number: number}
	u.acks.waiting = append(u.acks.waiting, o)
	return Ack{u, o}
}

// settle sends the outcome of a range of numbers to those that wait for it.
func (a *acks) settle(from, to uint64, outcome func(number uint64) error) {
	if a == nil {
		return
	}
	i, _ := slices.BinarySearchFunc(a.waiting, from, compareNumber)
	j, _ := slices.BinarySearchFunc(a.waiting, to+1, compareNumber)
	for _, w := range a.waiting[i:max(i, j)] {
		w.settle(outcome(w.number))
	}
	a.waiting = slices.Delete(a.waiting, i, max(i, j))
}

func compareNumber(w *outcome, number uint64) int {
	switch {
	case w.number < number:
		return -1
	case w.number > number:
		return 1
	}
	return 0
}

func (a *acks) failAll(err error) {
	if a == nil {
		return
	}
	for _, w := range a.waiting {
		w.settle(err)
	}
	a.waiting = nil
}

// AckLogged reports that the log has handled all values up to a number: it has
// them, or FailLogged was called for them.
func (u *Untyped) AckLogged(upTo uint64) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.acks.settle(0, upTo, func(uint64) error { return nil })
	u.acked = max(u.acked, upTo)
}

// FailLogged reports that the log will never have the values of a range of numbers,
// both ends included. Producers that wait for them get a *LostError with err. It does
// not count a loss; AddLoss does.
func (u *Untyped) FailLogged(from, to uint64, err error) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.acks.settle(from, to, func(number uint64) error {
		return &LostError{Record: u.key.String(), Number: number, Cause: loss.LogRefused, Err: err}
	})
}

// Acked returns the number up to which the log has handled all values.
func (u *Untyped) Acked() uint64 {
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.acked
}

// skippedByLog counts values that the log's reader missed, and ends the wait for
// them. since is the write time of the value before them.
func (u *Untyped) skippedByLog(from, to uint64, since int64) {
	if u.config.Kind != Ring {
		u.acks.settle(from, to, func(uint64) error { return ErrSuperseded })
		return
	}
	u.acks.settle(from, to, func(number uint64) error {
		return &LostError{Record: u.key.String(), Number: number, Cause: loss.RingOverrun}
	})
	u.addLoss(loss.Loss{
		Record: u.key.String(), Cause: loss.RingOverrun, Count: to - from + 1, From: from, To: to,
		FirstTime: since, LastTime: u.time(u.slot(int64(to) + 1)),
	})
}
