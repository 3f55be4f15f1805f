package follow

import (
	"context"
	"iter"
	"slices"
	"sync"

	"github.com/aimdb-go/aimdb/bus"
	"github.com/aimdb-go/aimdb/key"
)

const (
	// tailMessages and tailBytes bound what a Tail keeps.
	tailMessages = 4096
	tailBytes    = 1 << 20
	// nearBy is the number of messages that a follower reads without a filter to reach a
	// Tail. It then knows from their sequences that it has reached it.
	nearBy = 100_000
)

// Tail reads the end of a log once for all followers that have reached it, so that an idle
// follower has no reader of its own. It reads while there is a follower, and keeps the last
// messages, of all records. A follower that it is ahead of reads the log by itself until it
// has reached the tail again. It is safe for concurrent use.
type Tail struct {
	log *bus.Bus

	mu   sync.Mutex
	read *tailReader // nil while there is no follower
}

// NewTail returns the tail of a log. It reads nothing before Follow.
func NewTail(log *bus.Bus) *Tail { return &Tail{log: log} }

// tailReader is the one reader of a log. Its fields are guarded by the lock of the Tail.
type tailReader struct {
	followers int
	stop      context.CancelFunc
	done      chan struct{} // closed when the reader has ended
	// messages are those after the sequence from, the oldest of them with the ordinal
	// first. bytes is their size. to is the last sequence that was read.
	messages []bus.Message
	first    int
	bytes    int
	from, to uint64
	// wake is closed when there is something to see, nil if nobody waits.
	wake  chan struct{}
	ended bool
	err   error
}

// Follow yields what the Follow of the log yields.
func (t *Tail) Follow(ctx context.Context, pattern key.Pattern, after uint64) iter.Seq2[bus.Message, error] {
	return func(yield func(bus.Message, error) bool) {
		r, err := t.enter(ctx, after)
		if err != nil {
			if ctx.Err() == nil {
				yield(bus.Message{}, err)
			}
			return
		}
		defer t.leave(r)
		f := &tailFollower{tail: t, reader: r, pattern: pattern, read: after, yield: yield}
		for f.catchUp(ctx) && f.stay(ctx) {
		}
	}
}

// enter adds a follower. The first one starts the reader: where it is itself, or at the end
// of the log if that is far.
func (t *Tail) enter(ctx context.Context, after uint64) (*tailReader, error) {
	if r := t.join(); r != nil {
		return r, nil
	}
	_, last, err := t.log.Extent(ctx)
	if err != nil {
		return nil, err
	}
	at := after
	if last > after && last-after > nearBy {
		at = last
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.read == nil { // another follower may have come meanwhile
		reading, stop := context.WithCancel(context.Background())
		t.read = &tailReader{stop: stop, done: make(chan struct{}), from: at, to: at}
		go t.run(reading, t.read, at)
	}
	t.read.followers++
	return t.read, nil
}

func (t *Tail) join() *tailReader {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.read != nil {
		t.read.followers++
	}
	return t.read
}

// leave removes a follower. The last one stops the reader and waits for its end.
func (t *Tail) leave(r *tailReader) {
	t.mu.Lock()
	r.followers--
	last := r.followers == 0
	if last && t.read == r {
		t.read = nil
	}
	t.mu.Unlock()
	if last {
		r.stop()
		<-r.done
	}
}

// run reads the log until the last follower has left.
func (t *Tail) run(ctx context.Context, r *tailReader, after uint64) {
	defer close(r.done)
	for m, err := range t.log.Follow(ctx, key.WirePattern("#"), after) {
		t.mu.Lock()
		if err != nil {
			r.err = err
		} else {
			r.add(m)
		}
		r.wakeAll()
		t.mu.Unlock()
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	r.ended = true
	r.wakeAll()
	if t.read == r {
		t.read = nil
	}
}

func (r *tailReader) wakeAll() {
	if r.wake != nil {
		close(r.wake)
		r.wake = nil
	}
}

// add keeps a message, and drops the oldest ones beyond the bounds.
func (r *tailReader) add(m bus.Message) {
	r.messages = append(r.messages, m)
	r.bytes += len(m.Value)
	r.to = max(r.to, m.Sequence)
	for len(r.messages) > tailMessages || r.bytes > tailBytes && len(r.messages) > 1 {
		oldest := r.messages[0]
		r.from = max(r.from, oldest.Sequence)
		if isLossBeforeValue(oldest) {
			r.from = max(r.from, oldest.Sequence+1) // who has read up to it has not seen it
		}
		r.bytes -= len(oldest.Value)
		r.messages[0] = bus.Message{}
		r.messages = r.messages[1:]
		r.first++
	}
}

// after returns the ordinal of the first message after a sequence.
func (r *tailReader) after(sequence uint64) int {
	i, _ := slices.BinarySearchFunc(r.messages, sequence, func(m bus.Message, s uint64) int {
		if isAfter(m, s) {
			return 1
		}
		return -1
	})
	return r.first + i
}

// isLossBeforeValue reports whether a message is a loss of one record. It has the sequence
// before that of the record's next value.
func isLossBeforeValue(m bus.Message) bool { return m.Loss != nil && m.Loss.Record != "" }

// isAfter reports whether a message is to be read after a sequence.
func isAfter(m bus.Message, sequence uint64) bool {
	return m.Sequence > sequence || m.Sequence == sequence && isLossBeforeValue(m)
}

// tailFollower is one follower of a Tail.
type tailFollower struct {
	tail    *Tail
	reader  *tailReader
	pattern key.Pattern
	// read is the last sequence that was read, of whatever record.
	read  uint64
	yield func(bus.Message, error) bool
}

// place says where a follower is beside the tail.
func (f *tailFollower) place() (reached, near bool) {
	f.tail.mu.Lock()
	defer f.tail.mu.Unlock()
	r := f.reader
	return f.read >= r.from, r.to <= f.read || r.to-f.read <= nearBy
}

// catchUp reads the log until it has reached the tail. It returns false at the end of the
// sequence.
func (f *tailFollower) catchUp(ctx context.Context) bool {
	for ctx.Err() == nil {
		reached, near := f.place()
		if reached {
			return true
		}
		if !f.approach(ctx, near) {
			return false
		}
	}
	return false
}

// approach reads the log: all of it if the tail is near, and otherwise what the pattern
// asks for. It returns true where the one or the other ends.
func (f *tailFollower) approach(ctx context.Context, wasNear bool) bool {
	pattern := f.pattern
	if wasNear {
		pattern = key.WirePattern("#")
	}
	for m, err := range f.tail.log.Follow(ctx, pattern, f.read) {
		if err != nil {
			f.yield(m, err)
			return false
		}
		if f.wants(m) && !f.yield(m, nil) {
			return false
		}
		if m.Loss != nil {
			continue // a value follows
		}
		f.read = m.Sequence
		if reached, near := f.place(); reached || near && !wasNear {
			return true
		}
	}
	return false
}

func (f *tailFollower) wants(m bus.Message) bool {
	if m.Loss != nil {
		return m.Loss.Record == "" || f.pattern.Match(m.Loss.Record)
	}
	return f.pattern.Match(m.Record)
}

// stay yields what the reader reads. It returns true when the reader is too far ahead.
func (f *tailFollower) stay(ctx context.Context) bool {
	f.tail.mu.Lock()
	at, start := f.reader.after(f.read), f.read
	f.tail.mu.Unlock()
	var messages []bus.Message
	for {
		var wait <-chan struct{}
		var behind, ended bool
		var err error
		messages, wait, behind, ended, err = f.take(messages[:0], at)
		for _, m := range messages {
			at++
			if !isAfter(m, start) { // the reader started before this follower
				continue
			}
			f.read = max(f.read, m.Sequence)
			if f.wants(m) && !f.yield(m, nil) {
				return false
			}
		}
		switch {
		case behind:
			return true
		case err != nil:
			f.yield(bus.Message{}, err)
			return false
		case ended:
			return false
		case wait == nil:
			continue
		}
		messages = nil // an idle follower holds no messages
		select {
		case <-wait:
		case <-ctx.Done():
			return false
		}
	}
}

// takeAtOnce is the number of messages that a follower takes from the tail at a time.
const takeAtOnce = 64

// take returns messages from an ordinal on, or what to wait for if there are none.
func (f *tailFollower) take(into []bus.Message, at int) (_ []bus.Message, wait <-chan struct{}, behind, ended bool, err error) {
	f.tail.mu.Lock()
	defer f.tail.mu.Unlock()
	r := f.reader
	switch from := at - r.first; {
	case from < 0:
		return nil, nil, true, false, nil
	case from < len(r.messages):
		return append(into, r.messages[from:min(from+takeAtOnce, len(r.messages))]...), nil, false, false, nil
	case r.err != nil || r.ended:
		return nil, nil, false, true, r.err
	}
	if r.wake == nil {
		r.wake = make(chan struct{})
	}
	return nil, r.wake, false, false, nil
}
