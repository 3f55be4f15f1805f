// Package aimdb is a typed, in-memory data plane with history.
//
// A program opens a [DB], registers its records, wires stages between them
// and calls [DB.Run]. A write lands in the buffer of its record and returns;
// everything else happens behind it:
//
//	Produce ─► ring ─► republisher ─► NATS stream ─► pump ─► sink
//	            │                     (the log)               │
//	            ├─► taps, transforms      │                   ├─► queries
//	            └─► gateway               └─► NATS clients    └─► retention
//
// # What a write is promised
//
// A value is accepted once Produce returns: readers see it. It is logged once
// ProduceLogged returns: it survives a kill of the process, if the database has
// a directory ([Dir]). It is stored once [DB.Flush] returns: it is committed in
// the backend and survives a power loss. Values of one record keep their order from the ring to the row.
//
// # Losses
//
// Nothing is lost silently. A ring can be overrun, the log can reach its
// limit, a value can be refused. Each loss is counted where it shows, with its
// record, cause, numbers and time: in the ledger of the backend, in the record's
// Metrics and Losses, and on the record's next message in the log. What the log
// discards is first a range of the log, and belongs to a record when that
// record's next value shows it. A log that was deleted leaves one entry, without
// a record and a count. [Follow] tells what was discarded before it was read.
//
// # Shutdown
//
// Run ends when its context ends or when a part fails. The gateway and the
// stages stop first; then the republisher brings what is left in the rings to
// the log, and the pump brings the log to the backend, all of it within the
// time given by [DrainTimeout]. What could not be finished is in the log and is
// stored after the next start, or lost with a log in memory. No part can use up
// the time of those behind it, and one that does not end at all, such as a tap
// that does not heed its context, is named in the error of Run and left behind.
// Run closes the database; it cannot be run again.
//
// # Who may connect
//
// Nothing listens unless asked. A [Gateway] is a unix socket for its owner. [HTTP] and
// [TCP] listen on loopback unless their address has a host; [TLS] encrypts both, and
// [Tokens] says who may read and set what over them. [NATS] has [NATSAccess].
//
// # Values that change their type
//
// [Migrate] says how values of an older type become values of the present one. What is
// stored and logged is upgraded when it is read; [DB.MigrateHistory] rewrites it.
//
// # Records that come later
//
// [AddJSON] registers a record of JSON values at any time, and [Dynamic] does so for keys
// that clients set. Such a record begins with the values that history has of it. An open
// subscription to a pattern gets its first value.
//
// # Slow consumers
//
// A slow reader of a ring is moved forward and told how many values it
// missed. A slow sink, subscriber or client never slows a writer or another
// reader, but for producers that ask for it with [Lossless].
//
// # Units and errors
//
// Times on the wire and in the backend are Unix milliseconds; in this package
// they are time.Time. Sizes are bytes. Errors say what was attempted, on what
// and what to do about it. There is no package-level state: two databases in
// one process do not know each other. The database logs to the logger given with
// [Logger] and to nothing else; a backend has one of its own, which for the
// SQLite store is slog's default unless the store was opened with another.
package aimdb
