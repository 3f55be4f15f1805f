// Package httpapi serves the records and the history of a database over HTTP, for programs
// that do not speak AimX: curl, devices, web pages.
//
// [New] returns a handler for a mux of the caller. It serves /api and everything below it,
// also under http.StripPrefix:
//
//	GET  /api                 an OpenAPI 3.1 description of the following
//	GET  /api/records         the records, in pages
//	GET  /api/records/{key}   the newest value of a record
//	PUT  /api/records/{key}   set a record
//	POST /api/write           set many: NDJSON of {"key":…,"value":…}
//	GET  /api/query           stored values: latest, range or buckets, as JSON, NDJSON or CSV
//	GET  /api/stream          stored and new values as Server-Sent Events
//
// A key stands in the path as it is; characters that a path cannot hold are escaped, and so
// is a '/' beside a '/', or beside '.' alone. Times are Unix milliseconds in answers. In
// requests they may also be RFC 3339, or a duration back from now such as 90m or 7d.
//
// # Access
//
// If the database has tokens or users, each request but GET /api needs one: a token as
// Bearer, or a name and password as Basic. A stream may have the token in the query parameter
// token, since EventSource cannot set a header. Grants decide as they do for AimX. Through a
// listener on loopback, only requests for loopback and for Config.Origins are answered; see
// aimdb.DB.CheckHost. A web page of another site cannot write, unless Config.Origins has it:
// [http.CrossOriginProtection] decides. Pages of Config.Origins may read the answers.
//
// # Writing
//
// A write with a condition (If-Match and the like), a Content-Range or a Content-Encoding is
// refused; the Content-Type is not looked at. Both ways to write go by aimdb.DB.Ingest. They wait for space in the record, so that
// nothing is dropped, and answer when the log has the values of persisted records. PUT with
// wait=none does not wait for the log, and answers 202. No answer holds a value.
//
// If the disk of the log takes no data, the answer is 503 with the path and Retry-After. The
// cause no_space says that the value was not set, not_logged that it was, so that the log gets
// it later. POST /api/write ends with 503 at the first such line.
//
// POST /api/write takes each line by itself: good lines are taken, also if others are
// refused. If any was refused, the status is 422, and the problem has the number of lines
// that were accepted and the refused ones with line, key, cause and the JSON Pointer of what
// is wrong. A body that is too long, or that ends early, or whose sender is too slow, is
// refused with the number of lines that were accepted before; of an incomplete last line
// nothing is taken.
//
// # CSV
//
// A value is its JSON in one cell. A key that begins like a formula of a spreadsheet, with
// one of = + - @, has a ' before it, which no key begins with.
//
// # Streams
//
// The id of each event is the position of a subscription of AimX that resumes: see package
// aimx/gateway. EventSource reconnects by itself and sends the last id, and the stream goes
// on after it, without a gap and without a duplicate, also after a restart of the database.
// The parameter after takes a position too, or a time from which on stored values are sent;
// without it come values from now on. The events are:
//
//	begin      where the stream starts: {} or, if the log does not reach back to the
//	           position, {"reason":…,"from":…}: values from that time on are sent again
//	caught_up  what follows is new
//	message    {"record":…,"time":…,"value":…}, and "lost" and "loss" if values before it are
//	           missing from the log; the default event of EventSource
//	problem    why the stream ends
//
// A comment comes when nothing else does. The stream keeps no values for a slow client; it
// reads history and log at the pace of the client. One that takes no byte for the time of
// [WriteTimeout] is disconnected.
//
// # Errors
//
// Errors are application/problem+json (RFC 9457). The member errors names what is wrong:
// a parameter, or the JSON Pointer in a value.
//
// # The server of the caller
//
// Set http.Server.ReadHeaderTimeout: without it, clients that send no header hold
// connections. The handler bounds the time between two parts of a body, and of an answer, by
// itself; ReadTimeout and WriteTimeout would end streams. http.Server.Shutdown waits for
// streams: end the database first, which ends them.
package httpapi
