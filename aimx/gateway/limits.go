package gateway

import (
	"errors"
	"time"

	"github.com/aimdb-go/aimdb/aimx/internal/wire"
)

// Limits bound what clients can take. A field that is 0 has its default. TestLimits meets
// each of them.
type Limits struct {
	// Connections bounds the connections of each listener. The first request of a further
	// one is answered with denied, or with the status 503 over HTTP, and it is closed.
	// Default 256.
	Connections int `json:"connections,omitempty"`
	// Subscriptions bounds the subscriptions of one connection; a further one is denied.
	// Default 32 on a unix socket and over TCP, 1024 on a WebSocket.
	Subscriptions int `json:"subscriptions,omitempty"`
	// Resuming bounds those subscriptions of one connection that have from: each has a
	// reader of the log. A further one is denied. Default 32.
	Resuming int `json:"resuming,omitempty"`
	// FrameBytes bounds a frame of a client. A longer one ends the connection: with the
	// answer internal where its id is near its start, and on a WebSocket with the status
	// 1009. Default 16 MiB.
	FrameBytes int `json:"frame_bytes,omitempty"`
	// QueryRows and QueryBytes bound the answer of one record.query or
	// history.buckets; a larger answer is refused with internal. Defaults 500,000 and
	// 64 MiB.
	QueryRows  int `json:"query_rows,omitempty"`
	QueryBytes int `json:"query_bytes,omitempty"`
	// PageRows and PageBytes bound a page of history.page; the page ends there.
	// Defaults 10,000 and 1 MB, which keeps a frame below the 1 MiB that
	// upstream's browser client accepts.
	PageRows  int `json:"page_rows,omitempty"`
	PageBytes int `json:"page_bytes,omitempty"`
	// QueryTimeout bounds one query of the history; a longer one is answered with
	// internal. Default 30 s.
	QueryTimeout time.Duration `json:"query_timeout,omitempty"`
	// VerifyTimeout is QueryTimeout for history.verify and history.migrate, which read the
	// whole history.
	// Default 30 min.
	VerifyTimeout time.Duration `json:"verify_timeout,omitempty"`
	// Queries bounds the queries of one connection that run at a time, and Waiting those
	// that wait for them; a further one is denied. Defaults 4 and 256.
	Queries int `json:"queries,omitempty"`
	Waiting int `json:"waiting,omitempty"`
	// WriteTimeout closes a connection whose client takes no byte of a frame for
	// that long. It cannot be told. Default 30 s.
	WriteTimeout time.Duration `json:"write_timeout,omitempty"`
	// TokenTimeout closes a connection that has to present a token and has not. It is
	// told so with denied, under the id 0. Default 10 s.
	TokenTimeout time.Duration `json:"token_timeout,omitempty"`
}

// Check returns an error if a limit is negative.
func (l Limits) Check() error {
	smallest := min(l.Connections, l.Subscriptions, l.Resuming, l.FrameBytes, l.QueryRows, l.QueryBytes, l.PageRows, l.PageBytes, l.Queries, l.Waiting)
	if shortest := min(l.QueryTimeout, l.VerifyTimeout, l.WriteTimeout, l.TokenTimeout); smallest < 0 || shortest < 0 {
		return errors.New("a limit cannot be negative; leave it 0 for its default")
	}
	return nil
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
	orDefault(&l.Waiting, 256)
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
