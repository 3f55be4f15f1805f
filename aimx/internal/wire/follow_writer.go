package wire

import "strconv"

// Follow writes a subscription that starts at a time or a position, which from holds
// as JSON.
func (w *FrameWriter) Follow(id uint64, topic string, from []byte) []byte {
	w.start(KindSubscribe)
	w.number("id", id)
	w.plain("topic", topic)
	w.raw("from", from)
	return w.end()
}

// Follows writes the acknowledgement of a subscription that resumes.
func (w *FrameWriter) Follows(sub string) []byte {
	w.start(KindSubscribed)
	w.plain("sub", sub)
	w.raw("follows", []byte("true"))
	return w.end()
}

// Begin writes where a subscription starts: base and at are the position before its
// first event. If it falls back, time is where in the history, and why is the reason;
// otherwise why is empty.
func (w *FrameWriter) Begin(sub, base, at string, time int64, why string) []byte {
	w.start(KindBegin)
	w.plain("sub", sub)
	w.plain("base", base)
	w.plain("at", at)
	if why != "" {
		w.time(time)
		w.name("msg")
		w.buf = AppendString(w.buf, why)
	}
	return w.end()
}

// CaughtUp writes that what follows is live.
func (w *FrameWriter) CaughtUp(sub, at string) []byte {
	w.start(KindCaughtUp)
	w.plain("sub", sub)
	w.plain("at", at)
	return w.end()
}

// Logged writes a value of a subscription that resumes; loss may be nil.
func (w *FrameWriter) Logged(sub string, seq uint64, topic string, time int64, at string, loss, value []byte) []byte {
	w.start(KindEvent)
	w.number("seq", seq)
	w.plain("topic", topic)
	w.plain("sub", sub)
	w.time(time)
	w.plain("at", at)
	if loss != nil {
		w.raw("loss", loss)
	}
	w.raw("data", value)
	return w.end()
}

func (w *FrameWriter) time(ms int64) {
	w.name("time")
	w.buf = strconv.AppendInt(w.buf, ms, 10)
}
