package httpapi

import "time"

// Option changes a limit of the handler.
type Option func(*limits)

// limits bound what a client can take.
type limits struct {
	body, line int64
	streams    int
	write      time.Duration
	heartbeat  time.Duration
	retry      time.Duration
}

func defaults() limits {
	return limits{body: 16 << 20, line: 1 << 20, streams: 4096, write: 30 * time.Second, heartbeat: 15 * time.Second, retry: time.Second}
}

// BodyBytes bounds the body of a write, 16 MiB by default. LineBytes bounds one value or
// line of it.
func BodyBytes(n int64) Option { return func(l *limits) { l.body = max(n, 1) } }

// LineBytes bounds a value, and a line of a body with many, 1 MiB by default.
func LineBytes(n int64) Option { return func(l *limits) { l.line = max(n, 1) } }

// Streams bounds the streams that are open at a time, 4096 by default. A further one gets
// the status 503.
func Streams(n int) Option { return func(l *limits) { l.streams = max(n, 0) } }

// WriteTimeout bounds the time in which a client takes no byte of an answer, or sends none
// of a body, 30 seconds by default.
func WriteTimeout(d time.Duration) Option { return func(l *limits) { l.write = d } }

// Heartbeat is the time after which an idle stream gets a comment, 15 seconds by default.
// Grants that were revoked end a stream by then.
func Heartbeat(d time.Duration) Option { return func(l *limits) { l.heartbeat = d } }

// Retry is the time after which browsers connect a stream again, one second by default.
func Retry(d time.Duration) Option { return func(l *limits) { l.retry = d } }
