package gateway

import "time"

// Limits bound what one server and one connection take. A zero field has its
// default.
type Limits struct {
	// Connections of each listener; more are closed at once. Default 256.
	Connections int
	// Subscriptions of one connection. Default 32 on a socket, 1024 on a
	// WebSocket.
	Subscriptions int
	// FrameBytes is the longest frame taken from a client; a longer one ends
	// the connection. Default 16 MiB.
	FrameBytes int
	// QueryRows and QueryBytes bound the answer of one record.query or
	// history.buckets; past them it is refused. Defaults 500,000 and 64 MiB.
	QueryRows, QueryBytes int
	// PageRows and PageBytes bound a page of history.page, which is cut
	// there. Defaults 10,000 and 1 MB, which keeps a frame under the 1 MiB
	// that upstream's client in a browser takes.
	PageRows, PageBytes int
	// QueryTimeout bounds the time of one query of the history. Default 30 s.
	QueryTimeout time.Duration
	// Queries is how many queries of one connection run at a time; four times
	// as many wait, and then the connection is not read. Default 4.
	Queries int
	// WriteTimeout is how long a client may take no byte of a frame before it
	// is dropped. Default 30 s.
	WriteTimeout time.Duration
}

func (l Limits) withDefaults() Limits {
	orDefault(&l.Connections, 256)
	orDefault(&l.FrameBytes, 16<<20)
	orDefault(&l.QueryRows, 500_000)
	orDefault(&l.QueryBytes, 64<<20)
	orDefault(&l.PageRows, 10_000)
	orDefault(&l.PageBytes, 1_000_000)
	orDefault(&l.QueryTimeout, 30*time.Second)
	orDefault(&l.Queries, 4)
	orDefault(&l.WriteTimeout, 30*time.Second)
	return l
}

func orDefault[N int | time.Duration](to *N, n N) {
	if *to <= 0 {
		*to = n
	}
}
