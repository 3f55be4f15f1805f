// Package gateway serves the records and the history of a database to other
// processes over AimX 3.0. Package [github.com/aimdb-go/aimdb/aimx] is the client.
//
// # Protocol
//
// The protocol is AimX 3.0 as upstream AimDB (core 1.2.0, commit 0348e9f)
// speaks it: what its server sends and what its clients accept. Two faults of
// upstream are corrected in a way that its clients accept: a reply of null,
// which makes its client hang, and a reused id, which ends both subscriptions.
//
// A frame is one JSON object: a line on a unix socket, a text message on a WebSocket,
// and over TCP four bytes with its length, big-endian, and then that many bytes. A
// malformed or empty frame is skipped silently, in both directions. A frame that the
// connection ends in closes it without an answer. So does one longer than
// Limits.FrameBytes, after an answer if its id can be read.
//
// # Methods
//
// All methods of the protocol are served on all transports: hello,
// record.list, record.get, record.set, record.drain, record.query, graph.nodes,
// graph.edges, graph.topo_order, profiling.reset and buffer_metrics.reset, and
// the frames req, sub, unsub, write and ping.
//
// record.set takes a value that has all members of the type of the record: see
// records.Untyped.Set. record.get of a ring returns its newest value, and the
// next record.drain of the connection starts after it. In record.list,
// produced_count includes values that were there at the start, and occupancy of a ring
// is what its slowest reader has not read; cursors of drain do not count. In the graph,
// the way into the history is the last tap of a record.
//
// The type transport declares all differences between the transports. A
// refusal carries its reason in "msg", which upstream's clients ignore.
//
// # The protocol before AimX 3.0
//
// A frame without "t" that has method is a request of the earlier protocol, on all
// transports. AimX 3.0 skips such frames. So are {"hello":{…}} and a hello without any
// envelope, {"version","client"}, which are answered by {"welcome":{…}} and by a bare
// welcome. Answers have the shape of that time:
//
//	{"id":1,"method":"record.query","params":{"name":"accuracy::*"}}
//	{"id":1,"result":{"values":[{"record":"accuracy::vienna","value":{"error":0.5},"stored_at":1700000005000}],"count":1}}
//	{"id":2,"method":"record.get","params":{"record":"nothing"}}
//	{"id":2,"error":{"code":"not_found","message":"there is no record \"nothing\""}}
//
// The id may be a number, a string, or missing, which counts as 0. All methods are served,
// with these differences:
//
//   - hello needs the version 1 or 1.0, and ends the connection when it is refused.
//   - A record is named by record or by name.
//   - record.query is for "*" by default, where '*' is any run of characters: letters of
//     ASCII match in both cases, and '.' and '::' are the same. Rows come by record, and
//     newest first. '#' is an ordinary character.
//   - record.subscribe takes the name of one record and returns {"subscription_id",
//     "queue_size"}, the capacity of the record. Then come
//     {"event":{"subscription_id","sequence","data","timestamp","dropped"}}: timestamp is
//     in Unix milliseconds and absent from records that keep none, and dropped is absent
//     if nothing is missing. The present value is first unless send_initial is false.
//     record.unsubscribe takes subscription_id.
//   - The codes are not_found, permission_denied, invalid_params, method_not_found,
//     not_configured (there is no history), query_error, version_mismatch and
//     internal_error.
//
// Tokens, grants and private records decide as they do elsewhere. A pattern must lie in one
// grant: for "temp::*" that is "temp.#", because '*' goes over separators.
//
// # Extension
//
// The gateway takes more parameters of two methods, and answers
// methods of this project's own, on all transports. Clients of upstream never use
// them. A server of upstream ignores the parameters and refuses the methods with
// not_found.
//
//   - hello takes frame_bytes, the longest frame that the client takes over TCP. Without
//     it that is 65,536 bytes, where clients of upstream close the connection: a longer
//     answer is refused, pages and drains end before, and a longer value of a
//     subscription is left out and shows as a gap.
//   - record.list takes pattern, and lists the records that match it.
//   - record.query takes order, cursor and bucket. order is "asc", the default, or
//     "desc" and orders the rows of the answer by time. With cursor, "" for the first
//     page, the answer has the rows of the whole window in pages of limit rows, or of
//     Limits.PageRows, and the member next: the cursor of the following page, empty
//     after the last; name, start, end and order must stay the same with it. With
//     bucket, {"width","path"} as in history.buckets, each row is a history.Bucket with
//     its start as ts, and limit keeps the newest ones of each record. A wrong value of
//     one of these is refused; null counts as absent.
//   - record.set with "logged":true waits for space in the record and is answered with
//     "logged":true when the log has the value, in the order of the requests, or with
//     "logged":false if the record is not logged. The connection handles other frames
//     while up to 1024 such sets wait for the log.
//   - record.check takes name and value, and returns {"status":"valid"} if record.set would
//     succeed, and its refusal otherwise. It sets nothing.
//   - history.stats takes nothing and returns a history.Stats with the member
//     private_records: the number of records that are absent from it.
//   - history.page takes pattern ("#"), start, end, descending, per_record,
//     limit, cursor and max_id, and returns {"rows":[{"record","time","value"}],
//     "left_out","max_id","next"}: rows by time and, within one millisecond, as
//     they were stored. next is the cursor of the following page, empty after
//     the last; all parameters but the limit must stay the same with it. max_id
//     is the last row this page could see; pass it on to exclude later rows.
//     left_out counts rows of the page that are not JSON or that cannot be upgraded
//     to the present shape. A row has "shape" if the version of its shape is not 0.
//   - history.buckets takes pattern ("#"), start, end, width and path, as in
//     history.BucketQuery, and returns {"buckets":[history.Bucket]}. path is a path with
//     dots, such as wind.gust, or a JSON Pointer, such as /wind/gust. Where count is 0,
//     min, max, mean, first and last are null.
//   - history.verify takes nothing and returns an aimx.Verification: whether history
//     and log are complete, and each range that is missing. It reads all of both; one
//     verification runs at a time, and Limits.VerifyTimeout bounds it. Findings about
//     private records are absent; the member private counts them, and the verdict
//     includes them.
//   - history.migrate takes nothing and returns a history.MigrateReport: rows of older
//     shapes are rewritten in the present one. It needs a token that grants writing "#", and
//     stops at Limits.VerifyTimeout; what is rewritten by then stays so. With
//     {"progress":true} it returns an aimx.MigrateProgress about the one that runs.
//   - sink.list takes nothing and returns an array of {"name","state","sequence",
//     "lost","refused","retries","last_commit_ms"}, one for each sink of the
//     database: see aimx.SinkInfo. It needs no history.
//   - ingest.refused takes nothing and returns an aimx.Refusals: how many values from
//     outside were set and refused, by cause, and the last refusals.
//   - stats takes nothing and returns an aimx.DatabaseState: log, sinks with their lag, and
//     the size of the history, private records included. It needs no history. Of a
//     history with many records, its part may be some seconds old.
//   - loss.list takes sink, limit and cursor, and returns an aimx.LossPage: what the ledgers
//     of the sinks have, oldest first. The first page also has the sums by sink and cause,
//     which read at most 100,000 losses of a ledger, and what records lost in memory. A
//     cursor counts the losses before it, so a page after a retry may leave one out.
//   - deadletter.list takes the same and returns an aimx.LetterPage, oldest first. Values
//     are cut after 1000 bytes.
//   - deadletter.retry takes sink and ids, 1000 at most, and returns an
//     aimx.RetriedLetters: what could be stored as rows now, and why the rest could not.
//   - history.usage takes limit (100) and returns an aimx.Usage: the records with the most
//     bytes. It reads the counts that the history keeps, which are exact, and no rows; only
//     rows that another program has added to the file are counted once.
//   - retention.list takes nothing and returns an aimx.Retention: the policies in force, and
//     what sweeps deleted since the process started, by policy.
//   - retention.try takes policies and history_bytes, as aimx.RetentionLimits, and returns
//     the history.PruneReport of a sweep now. It deletes nothing. Without parameters the
//     limits in force count. It reads what would be deleted, so it may take long; one runs
//     at a time.
//
// All parameters of methods but the width are optional. An unknown parameter, a value of the
// wrong type, a pattern against the grammar, and a cursor of another query or
// database are refused with internal, and msg says what is wrong. A page ends at
// Limits.PageRows or Limits.PageBytes, whatever limit asks for, but has at least
// one row. An answer with more buckets than Limits.QueryRows or more bytes than
// Limits.QueryBytes is refused.
//
// # Subscriptions that resume
//
// A sub with the member from, which upstream ignores, delivers stored and logged values
// without a gap and without a duplicate. from is a time in Unix milliseconds, 0 for the
// beginning, or a position, which is a string:
//
//	{"t":"sub","id":5,"topic":"attic.#","from":1700000000000}
//	{"t":"sub","id":5,"topic":"attic.#","from":"dGhl….l.lp5x.2s.9f1"}
//
// The answer on both transports is, in this order:
//
//	{"t":"subscribed","sub":"5","follows":true}
//	{"t":"begin","sub":"5","base":"dGhl…","at":".h.0.0.3k"}
//	{"t":"event","seq":1,"topic":"attic.co2","sub":"5","time":1700000005000,"at":".h.lp5w.1.7c2","data":{"ppm":598}}
//	{"t":"caught_up","sub":"5","at":".l.lp5w.2r.k04"}
//	{"t":"event","seq":2,"topic":"attic.co2","sub":"5","time":1700000009000,"at":".l.lp5x.2s.9f1","data":{"ppm":612}}
//
// The position of a frame is the base of the last begin, followed by its at. It belongs
// to one topic and holds the identity of the log. A sub with the same topic and this
// position as from continues after that frame, over another connection or after a restart
// of the database. Clients must not interpret positions.
//
// If the log does not reach back to a position, because it has discarded what follows, has
// lost its end, or was created again, the subscription falls back to the history: begin
// has the members msg, which is the reason, and time, from which on stored values are
// sent. It is 10 seconds before the last value, so some values come again. The same can
// happen later, when a client is so slow that the log reaches a limit first; another
// begin says so. seq counts on, and a gap in it is values that were lost on their way to
// the log. An event has the member loss, a loss.Loss, if a range before it is in neither
// log nor history. A reply with err ends the subscription.
//
// Only records that persist can be followed: a sub with from for another one is refused,
// and so is a pattern that matches no other. Rows of the history are sent as by
// history.page, and private records are left out. Limits.Resuming bounds these
// subscriptions of a connection. The server keeps no values for them beyond what one
// request to the log returns: a client that is slow is sent what the log has when it
// reads again.
//
// # What is exposed
//
// All records are listed, with their metadata. The values of a record that is
// registered without Remote are private: get, drain and subscribe refuse it, a
// wildcard leaves it out, and so do record.query and the history methods with its
// rows, whatever the spelling of its key in the history. A query that names it is
// refused. Rows of names that are not registered, such as imported or retired
// records, follow Config.RemoteHistory. Records with Writable and without a producer
// in this database can be set. Leave Config.History nil to serve no history.
// Config.ReadOnly refuses sets and drains with a reason, for records that belong to
// another process.
//
// A unix socket admits its owner only (mode 0600) and asks for no token: tokens in hello
// are ignored there, and its clients may do everything that is described above.
//
// # Tokens and users
//
// Unless Config.Access is open, a client over TCP or WebSocket is served after it has
// presented a token of it, or a user: in auth_token of hello, or for a WebSocket in the header
// Authorization, as Bearer, or in the query parameter token. Each takes a token, or
// NAME:PASSWORD of a user; tokens come first. A WebSocket may present a user with the scheme
// Basic too. A query parameter may end up in the log of a proxy.
//
// Before that, hello and ping are answered, all else is denied, and after
// Limits.TokenTimeout the connection is told so, under the id 0, and closed. A wrong token or
// password is answered with denied, or with 401 to a web request, and the connection ends. It
// is counted and logged with the address of the client; no token and no password is ever
// logged. Tokens are compared by their hashes in constant time, passwords as package access
// says. A connection keeps what it was admitted with. If a reload removes or changes it, the
// connection is told so, under the id 0, and closed.
//
// A token or a user grants reading and writing by patterns, and what is refused is denied:
//
//   - record.get, record.drain and sub of a record need a grant to read it, record.set,
//     record.check and write one to write it. record.set shows the value only to who may read it.
//   - A pattern of sub, record.query, history.page and history.buckets must lie in one
//     grant; without a pattern that is "#". Each record that it matches is checked too.
//   - record.list, the graph, history.stats and history.verify leave out the records that
//     are not granted for reading, and the names of such records in other rows.
//   - profiling.reset and buffer_metrics.reset reset what may be written.
//   - sink.list, stats and the counts of ingest.refused are for every token. Its refusals
//     leave out the records that are not granted for reading.
//   - loss.list, deadletter.list and history.usage leave out such records too, and count
//     them; their sums are those of the whole.
//   - retention.list and retention.try need a token that grants reading "#",
//     deadletter.retry one that grants writing it.
//
// Grants are compared in the normalized form of package key: the grant "*" does not cover
// "a::b". They open no private record.
//
// # Web pages
//
// A WebSocket admits pages of its own host, of loopback and of Config.Origins. On a
// loopback listener, requests of other hosts are refused: see Server.CheckHost.
//
// /aimx.js is the client for pages: an ES module without dependencies, which its comments
// describe. The same pages may import it. It connects to /ws beside it, connects again
// after a cut, and continues subscriptions with from after their last value.
//
// # Order
//
// The frames of one connection are handled in the order in which they came: a
// write followed by a record.get or a ping is a barrier. Only history methods
// run beside the others, so a long query delays nothing; replies are matched by
// id. A subscription delivers subscribed (on a WebSocket), snapshots, events;
// every value of one record in the order it was produced.
//
// # Slow clients
//
// Each subscription without from is one goroutine that reads its records like any other
// reader and writes to the connection. Only the record's own buffer and the
// socket's lie between a record and a client, and both are bounded. A client
// that stops reading delays its own connection and nothing else: its readers
// lag, a ring skips the oldest values for it, a single-latest record skips all
// but the newest. Skipped values consume numbers, so the client sees the gap. A
// connection that takes no byte of a frame for Limits.WriteTimeout is closed.
//
// # Shutdown
//
// Serve returns when its context ends, after its connections are closed and
// their goroutines have ended. Server.Close does the same for all connections,
// those of Handler included. Nothing is sent at shutdown. A client that
// half-closes its side still gets the answers to what it sent.
//
// Times are Unix milliseconds, sizes are bytes.
package gateway
