// Package natsservice answers the methods of AimX as a NATS micro service, so that any
// NATS client that reaches the servers can list, get, set and query the records of a
// database. Package [github.com/aimdb-go/aimdb/aimx/natsconn] is a client of it.
//
// # Requests
//
// A request goes to aimdb.<database>.rpc.<method>, with its parameters as one JSON
// object in the body, or with an empty body. One without a subject for the answer is
// ignored, and so is one that wants it under "aimdb." or "$", where an answer would be a
// value in the log or a request to the servers.
//
//	hello                    what the database is
//	list[.<pattern>]         its records
//	get.<key>                the newest value of a record
//	set.<key>                sets it: {"value":...}
//	query[.<pattern>]        stored values: {"limit","start","end","order","cursor","bucket"}
//	history.page, history.buckets, history.stats, history.verify, each [.<pattern>]
//	graph.nodes, graph.edges, graph.topo_order, each [.<pattern>]
//	sink.list                the sinks of the log
//	live                     answers when live values reach all who have subscribed
//
// Parameters and answers are those of the methods of AimX, but for the name or pattern,
// which is in the subject. record.drain is absent: its cursor belongs to a connection.
//
// # Values
//
// What is published to aimdb.<database>.set.<key> sets the record, if Config.Writes has it.
// The message is the value itself. Values of one connection of a client are set in the
// order in which they are published. If the message names a subject for the answer, that is
//
//	{"logged":true}          when the log has the value; a crash does not lose it
//	{"logged":false}         when it is set, for a record that is not logged
//
// or an error as below, whose body also has "path": the JSON Pointer of what is wrong in the
// value. Publish many and then wait for the answers.
//
// A value waits for space in its record, so that the log misses none, and the values after
// it wait too. 65,536 values and 64 MiB may wait; NATS drops more, and clients get no answer.
// They are counted, as everything that is refused: see package ingest. A message without
// data that wants no answer is ignored.
//
// # Keys and patterns
//
// The segments of a key are tokens, as in the subjects of its live values: attic.co2 and
// attic::co2 are both attic.co2. Bytes that a token cannot hold are %XX. A wildcard cannot
// stand in the subject of a request, so '*' is written _any, and _all at the end stands for
// one or more segments, as '>' does in a subscription. Without a pattern a method is about
// every record. A segment that is spelled _any or _all is written %5Fany or %5Fall.
//
// # Permissions
//
// What an answer holds is decided by the subject of its request alone. A permission to
// publish to aimdb.<database>.rpc.query.attic.> reaches what lies under attic, by whatever
// pattern, and not the record attic itself. So does one for list, the graph and the
// methods of history; sizes and losses in history.stats, and the verdict of
// history.verify, are those of the whole history. The answer to a set does not hold the
// value. In a permission, end with '>' or with a key: one that ends with '*' lets _all
// stand for the '*', and so reaches what is deeper too.
//
// Records that are registered without Remote stay closed, and only records that
// Config.Writes names can be set.
//
// # Errors
//
// An error has the headers Nats-Service-Error and Nats-Service-Error-Code, as the NATS
// protocol for services says, and its body is {"code","message"} with the code of AimX. The
// code in the header is 404 for not_found, 403 for denied, 505 for version_mismatch, 500
// for internal, and 503 if too many queries run. An answer that the servers cannot carry
// in one message is an error that says so; pages of query and history.page end before.
//
// Times are Unix milliseconds, sizes are bytes.
//
// # Load
//
// Requests to one method are answered in their order if it reads only memory; methods have
// no order among each other, so wait for the answer to a set before you get. Queries of the
// history run beside them, Config.Queries at a time, and four times as many wait; one more
// is refused. One history.verify runs at a time. At most 4096 requests and 16 MiB wait for
// one method. NATS drops more, and their clients get no answer.
//
// # Shutdown
//
// Drain ends the subscriptions, and returns when what was asked or published before is
// answered. Run
// ends with its context; queries that still run are then cut off.
package natsservice
