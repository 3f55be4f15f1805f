package httpapi

import (
	"context"
	"encoding/json"
	"net/http"
	"strconv"
	"sync"
	"time"

	"github.com/aimdb-go/aimdb/aimx/gateway"
	"github.com/aimdb-go/aimdb/internal/timetext"
	"github.com/aimdb-go/aimdb/loss"
)

// flushAt is the size of stored values that go out in one write.
const flushAt = 16 << 10

// stream is one stream of events. The goroutine of the request and the timer write to it.
type stream struct {
	q       *request
	control *http.ResponseController
	end     context.CancelFunc
	timer   *time.Timer

	mu   sync.Mutex
	buf  []byte
	base string
	live bool
	// begun says that the header is out, and over that the request has ended.
	begun, over bool
}

// stream answers GET /api/stream.
func (q *request) stream() *problem {
	sub, p := q.sub()
	if p != nil {
		return p
	}
	select {
	case q.streams <- struct{}{}:
		defer func() { <-q.streams }()
	default:
		return problemf(http.StatusServiceUnavailable, "there are %d streams, and no more are served at a time", cap(q.streams))
	}
	if q.r.Method == http.MethodHead {
		q.w.Header().Set("Content-Type", "text/event-stream")
		return nil
	}
	ctx, end := context.WithCancel(q.r.Context())
	defer end()
	s := &stream{q: q, control: http.NewResponseController(q.w), end: end}
	_ = s.control.SetReadDeadline(time.Time{}) // that of the server would end the stream
	defer s.close()
	for event, err := range q.db.Subscribe(ctx, sub) {
		if err != nil {
			return s.fail(callProblem(err))
		}
		if !s.send(event) {
			return nil
		}
	}
	return s.fail(problemf(http.StatusServiceUnavailable, "the database stops"))
}

// sub returns what is asked for. A position in Last-Event-ID counts more than the
// parameter after, because it is that of a stream that reconnects.
func (q *request) sub() (sub gateway.Sub, p *problem) {
	sub.Grants = q.grants
	if sub.Topic, p = q.pattern(); p != nil {
		return sub, p
	}
	if sub.After = q.r.Header.Get("Last-Event-ID"); sub.After != "" {
		return sub, nil
	}
	text := q.params.Get("after")
	if ms, err := timetext.Parse(text, q.now); err == nil {
		sub.From = &ms
	} else if len(text) > 0 && len(text) < 40 { // no position is that short
		return sub, wrongParameter("after", "%v, or the id of an event", err)
	} else {
		sub.After = text
	}
	return sub, nil
}

// close ends the stream. Nothing is written after it.
func (s *stream) close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.over = true
	if s.timer != nil {
		s.timer.Stop()
	}
}

// fail says why the stream ends: as the answer, or as an event if the stream has begun.
func (s *stream) fail(p *problem) *problem {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.begun {
		return p
	}
	text, err := json.Marshal(p)
	if err == nil {
		s.buf = append(append(append(s.buf, "event: problem\ndata: "...), text...), "\n\n"...)
		s.flush()
	}
	return nil
}

// begin sends the header.
func (s *stream) begin() {
	s.begun = true
	h := s.q.w.Header()
	h.Set("Content-Type", "text/event-stream")
	h.Set("X-Accel-Buffering", "no") // a proxy that keeps events back
	s.buf = strconv.AppendInt(append(s.buf, "retry: "...), s.q.limits.retry.Milliseconds(), 10)
	s.buf = append(s.buf, "\n\n"...)
	s.timer = time.AfterFunc(s.q.limits.heartbeat, s.beat)
}

// send sends one event. It returns false at the end.
func (s *stream) send(e gateway.FollowEvent) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.revoked() {
		return false
	}
	if !s.begun {
		s.begin()
	}
	if err := s.append(e); err != nil {
		return false
	}
	if !s.live && e.Begin == nil && len(s.buf) < flushAt {
		return true
	}
	return s.flush()
}

func (s *stream) revoked() bool {
	select {
	case <-s.q.grants.Revoked():
		return true
	default:
		return false
	}
}

// message is the data of a value.
type message struct {
	Record string          `json:"record"`
	Time   int64           `json:"time"`
	Value  json.RawMessage `json:"value"`
	Lost   uint64          `json:"lost,omitempty"`
	Loss   *loss.Loss      `json:"loss,omitempty"`
}

// begins is the data of a begin.
type begins struct {
	Reason string `json:"reason,omitempty"`
	From   int64  `json:"from,omitempty"`
}

// append adds an event to the buffer.
func (s *stream) append(e gateway.FollowEvent) error {
	var data any
	switch {
	case e.Begin != nil:
		s.base, s.live = e.Begin.Base, false
		s.buf = append(s.buf, "event: begin\n"...)
		data = begins{e.Begin.Reason, e.Begin.From}
	case e.CaughtUp:
		s.live = true
		s.buf = append(s.buf, "event: caught_up\n"...)
		data = struct{}{}
	default:
		data = message{e.Record, e.Time, e.Value, e.Lost, e.Loss}
	}
	text, err := json.Marshal(data) // it has no line breaks
	if err != nil {
		return err
	}
	s.buf = append(append(append(s.buf, "id: "...), s.base...), e.At...)
	s.buf = append(append(append(s.buf, "\ndata: "...), text...), "\n\n"...)
	return nil
}

// flush writes the buffer. It returns false if the client has left, or takes nothing.
func (s *stream) flush() bool {
	_, err := s.q.Write(s.buf)
	if err == nil {
		err = s.control.Flush()
	}
	s.buf = s.buf[:0]
	if s.live {
		s.buf = nil // an idle stream holds none
	}
	s.timer.Reset(s.q.limits.heartbeat)
	return err == nil
}

// beat sends a comment to an idle stream, so that both sides notice a connection that is
// gone, and ends one whose grants were revoked. Stored values that wait for more go out too.
func (s *stream) beat() {
	if !s.mu.TryLock() { // it is being written to
		return
	}
	defer s.mu.Unlock()
	if s.over {
		return
	}
	s.buf = append(s.buf, ":\n\n"...)
	if s.revoked() || !s.flush() {
		s.end()
	}
}
