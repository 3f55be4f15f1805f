// Package aimx serves the records and the history of a database to other
// processes over AimX 3.0, and is a client of that protocol.
//
// # Source of the rules
//
// The protocol is AimX 3.0 as upstream AimDB (core 1.2.0, commit 0348e9f)
// speaks it: what its server was seen to send, and what its clients were seen
// to accept. Where upstream has a fault (a reply of null that makes its client
// hang, a reused id that kills both subscriptions), this package does better in
// a way that its clients accept.
//
// A frame is one JSON object: a line on a unix socket, a text message on a
// WebSocket. A malformed frame is skipped in silence, in both directions. A
// frame that this package sends has no escapes in the members that upstream
// refuses to read with them.
//
// # Methods
//
// Served are all methods of the protocol on both transports: hello,
// record.list, record.get, record.set, record.drain, record.query, graph.nodes,
// graph.edges, graph.topo_order, profiling.reset and buffer_metrics.reset, and
// the frames req, sub, unsub, write and ping. Not served yet are TCP, tokens
// and grants, and the framing and pattern rules of earlier versions: a line
// without "t" is skipped.
//
// The two transports differ only in what dialect declares. A refusal carries
// the reason in "msg", which upstream's clients ignore.
//
// # Extension
//
// Beside AimX 3.0 a server answers three read-only methods of this project's
// own, on both transports. Clients of upstream never call them, and a server of
// upstream refuses them with not_found.
//
//   - history.stats takes nothing and returns records.HistoryStats.
//   - history.page takes pattern ("#"), start, end, descending, per_record,
//     limit, cursor and max_id, and returns {"rows":[{"record","time","value"}],
//     "left_out","max_id","next"}: rows by time and, within one millisecond, as
//     they were stored. next is the cursor of the page that follows, empty after
//     the last; everything but the limit has to stay the same with it. max_id is
//     up to which row the history was read: who sends it with the next page sees
//     none that came later. left_out counts rows of the page that are not JSON.
//   - history.buckets takes pattern ("#"), start, end, width and path, as in
//     records.BucketQuery, and returns {"buckets":[records.Bucket]}.
//
// All parameters but the width are optional; one that is unknown or of the wrong
// type, a pattern against the grammar, and a cursor of another query or database
// are refused with internal, and msg says what is wrong. A page ends at
// Limits.PageRows or Limits.PageBytes, whatever limit asks for, but has at least
// one row. Buckets past Limits.QueryRows or QueryBytes are refused.
//
// # What is exposed
//
// All records are listed. Only records registered with Remote can be read or
// subscribed to, and of these only those with Writable and without a producer
// in this database can be set. record.query and the extension answer from the
// whole history, which has records that were persisted whether or not they are
// Remote; leave Config.History nil to keep it closed. A unix socket is its
// owner's alone (mode 0600); a WebSocket takes pages of its own host and of
// loopback.
//
// # Order
//
// The frames of one connection are handled in the order they came: a write
// followed by a record.get or a ping is a barrier. Only what asks the history
// runs beside the rest, so that a long query holds up nothing; replies are
// matched by id. A subscription delivers subscribed (on a WebSocket), snapshots,
// events; every value of one record in the order it was produced.
//
// # Slow clients
//
// Each subscription is one goroutine that reads its records like any other
// reader and writes to the connection. Between a record and a client there are
// only the record's own buffer and the socket's, both bounded. A client that
// does not read holds up its own connection and nothing else: its readers fall
// behind, rings drop their oldest values for it, single-latest records
// collapse. What a ring dropped consumes numbers, so the client sees the gap.
// A connection that takes no byte of a frame for Limits.WriteTimeout is closed.
//
// # Shutdown
//
// Serve returns when its context ends, after its connections are closed and
// their goroutines have ended. Server.Close does the same for all connections,
// those of Handler included. On the way out nothing is sent. A client that
// half-closes its side still gets the answers to what it sent.
//
// # Units and errors
//
// Times are Unix milliseconds, sizes bytes. A Client's calls fail with a
// *Refusal if the server said no, with a *ConnectionError if the connection is
// gone, or with the error of their context.
package aimx

// Version is the version of the protocol.
const Version = "3.0"
