// Package aimx is a client of AimX 3.0, the protocol by which other processes
// reach the records and the history of a database. Package
// [github.com/aimdb-go/aimdb/aimx/gateway] is the server.
//
// # Endpoints
//
// [Dial] takes unix://PATH, uds://PATH, a bare path (a unix socket each),
// tcp://HOST:PORT, or ws://HOST:PORT[/PATH] (a WebSocket), and tcps:// and wss:// for TCP
// and WebSocket with TLS. It greets the server before it returns, unless it is a
// WebSocket, and takes at most 5 seconds if the context has no earlier deadline. [Token]
// presents a token or a user, and [TLS] says whom to trust. No error holds a token. Package
// [github.com/aimdb-go/aimdb/aimx/natsconn] connects over NATS.
//
// # Calls
//
// A [Client] is safe for concurrent use. The server handles the frames of one
// connection in the order in which they were sent: a [Client.Get] or
// [Client.Ping] after a [Client.Write] sees its effect. History queries run
// beside them, so a long query delays no other call.
//
// Calls fail with a [*Refusal] if the server refused, with a [*ConnectionError]
// if the connection is lost, or with the error of their context. A client does
// not reconnect: once the connection is lost, all calls and watches fail. Only a
// follow connects again.
//
// [Get], [Query], [Subscribe] and [Follow] are the calls with values of a type.
//
// # Watches
//
// [Client.Watch] subscribes to a key or a pattern. The current values come first
// as snapshots, then every update of one record in the order of its writes.
// [Update.Skipped] counts the updates lost immediately before this one, whether the
// server or the client dropped them. A watch queues at most 4096 updates and
// drops newer ones while the queue is full.
//
// # Following
//
// [Client.Follow] starts at a time or after a position. It yields the stored values, an
// event that says that what follows is live, and each value that is logged, without a
// gap and without a duplicate, also over a lost connection and a restart of the server.
// Each event has a position, a text from which another process can continue. Only
// records that persist can be followed, and only their logged values come.
//
// A slow caller loses nothing: the client keeps at most 4096 events and 8 MiB of values
// for it, and then asks again after the last one. If the log of the server does not reach
// back, it sends the history again from a time that [Event.Begin] says. It begins 10
// seconds before the last value, so that nothing is missing, and some values come a
// second time.
//
// # Extension
//
// Methods whose names begin with History, [Client.CheckSet], [Client.Sinks] and
// [Client.Follow] belong to an extension of this project. A server of upstream refuses
// them with [CodeNotFound]. [Client.HistoryVerify] asks whether history and log are
// complete; the others read the history or describe the database.
//
// # Discovery
//
// [Discover] finds the databases of the user on this machine. It greets the sockets that
// the user owns, presents no token, and never waits longer than [DiscoverTimeout].
//
// Times are Unix milliseconds, sizes are bytes.
package aimx

// Version is the version of the protocol.
const Version = "3.0"
