package gateway

import (
	"time"

	"github.com/aimdb-go/aimdb/aimx/internal/wire"
)

// Limits bound what clients can take. A field that is 0 has its default.
type Limits struct {
	// Connections bounds the connections of each listener; further ones are
	// closed at once. Default 256.
	Connections int
	// Subscriptions bounds the subscriptions of one connection. Default 32 on a
	// unix socket and over TCP, 1024 on a WebSocket.
	Subscriptions int
	// Resuming bounds those subscriptions of one connection that have from: each has a
	// reader of the log. Default 32.
	Resuming int
	// FrameBytes bounds a frame of a client; a longer one ends the connection.
	// Default 16 MiB.
	FrameBytes int
	// QueryRows and QueryBytes bound the answer of one record.query or
	// history.buckets; a larger answer is refused. Defaults 500,000 and 64 MiB.
	QueryRows, QueryBytes int
	// PageRows and PageBytes bound a page of history.page; the page ends there.
	// Defaults 10,000 and 1 MB, which keeps a frame below the 1 MiB that
	// upstream's browser client accepts.
	PageRows, PageBytes int
	// QueryTimeout bounds one query of the history. Default 30 s.
	QueryTimeout time.Duration
	// VerifyTimeout bounds one history.verify or history.migrate, which read the whole
	// history.
	// Default 30 min.
	VerifyTimeout time.Duration
	// Queries bounds the queries of one connection that run at a time. Four
	// times as many wait; the connection is not read while more arrive.
	// Default 4.
	Queries int
	// WriteTimeout closes a connection whose client takes no byte of a frame for
	// that long. Default 30 s.
	WriteTimeout time.Duration
	// TokenTimeout closes a connection that has to present a token and has not.
	// Default 10 s.
	TokenTimeout time.Duration
}

func (l Limits) withDefaults() Limits {
	orDefault(&l.Connections, 256)
	orDefault(&l.Resuming, 32)
	orDefault(&l.FrameBytes, 16<<20)
	orDefault(&l.QueryRows, 500_000)
	orDefault(&l.QueryBytes, 64<<20)
	orDefault(&l.PageRows, 10_000)
	orDefault(&l.PageBytes, 1_000_000)
	orDefault(&l.QueryTimeout, 30*time.Second)
	orDefault(&l.VerifyTimeout, 30*time.Minute)
	orDefault(&l.Queries, 4)
	orDefault(&l.WriteTimeout, 30*time.Second)
	orDefault(&l.TokenTimeout, 10*time.Second)
	return l
}

// timeout bounds one call of a history method.
func (l Limits) timeout(method string) time.Duration {
	if method == wire.MethodHistoryVerify || method == wire.MethodHistoryMigrate {
		return l.VerifyTimeout
	}
	return l.QueryTimeout
}

func orDefault[N int | time.Duration](to *N, n N) {
	if *to <= 0 {
		*to = n
	}
}
