// Package ingest sets records from outside. Every way in uses it, so that one place decides
// whether a value may be set and is valid, and counts what was refused.
//
// A value is refused, with a [*Refusal] that names the cause, if
//
//   - nothing can be set (ReadOnly),
//   - the grants of the client do not cover the record (Denied), whether there is one or not,
//   - there is no such record, and none is made for the key (Unknown), or as many were made
//     as may be (TooManyRecords),
//   - the record is not Writable, or a stage produces it (Denied),
//   - the type or the validation of the record does not take the value (Invalid),
//   - more values came than the way in can hold (Dropped),
//   - the log cannot be written because its disk takes no data, and has to have it (NoSpace),
//   - it was lost between the record and the log, or a newer value replaced it, or the log
//     could not be written before it had the value, which it then may get later (NotLogged).
//
// [Writer.Counts] and [Writer.Recent] tell what was refused, by all ways in.
//
// [Writer.Set] does not wait, and so replaces the oldest value of a full ring.
// [Writer.SetLogged] waits for space, and returns what the client waits with until the log
// has the value. A way in that acknowledges values uses it, sets many, and then waits for
// each in turn. A value that is refused with NoSpace is not set, and can be sent again.
package ingest
