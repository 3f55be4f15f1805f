// Package records holds the typed records of a database in memory: their buffers,
// readers and producers, and the stages between them. A write copies a value into
// a slot and returns. Readers fetch values on their own goroutines.
//
// # Buffers
//
// A [Ring] keeps the last values; every reader sees all of them in order. A
// [Latest] record keeps the newest value. A [Mailbox] keeps one value until a
// reader takes it. The slots of a ring grow with the number of values it holds, up
// to its capacity.
//
// # Order
//
// The values of a record are numbered from 1 in the order of their writes. All
// readers see them in that order, and the values of one goroutine keep their
// order. There is no order between records.
//
// # Slow consumers
//
// [Record.Produce] never waits. A reader that is too slow for a ring continues at
// the oldest value kept. The values it missed are counted by reader and cause in
// [Untyped.Metrics], and those that the log missed also in [Untyped.Losses].
// [Record.Send] waits for the readers that Config.Lossless names, and stages emit
// their values with Send. [Record.ProduceLogged] waits until the log has the
// value. A slow reader never slows another reader.
//
// # Stages
//
// [Source], [Record.Tap], [Map], [Transform], [Join] and [Join2] declare stages
// before [Registry.Build]; [Registry.Run] gives each stage a goroutine. A stage
// that panics or returns an error is counted and logged with its stack. Its
// [Policy] decides whether it restarts or ends Run; other stages are not affected.
// The value on which it failed is not tried again.
//
// After Build or Run the graph does not change: the functions that declare stages,
// and [Register], return [ErrRunning]. [Registry.Add] still adds records of JSON
// values that have no stages.
//
// # Shutdown
//
// When the context of Run ends, sources end first. Then each stage processes what
// is left in its inputs, inputs before outputs, and ends. Run returns after the
// last stage. A [Feed] still returns what is left, even under a context that has
// ended. [Registry.Close] ends readers once they have read what is kept, and
// everything that waits: both return [ErrClosed]. The only goroutines of this
// package are those of stages.
//
// # JSON
//
// Readers that do not know the type get [Encoded] values. The reader encodes, not
// the producer, and each value is encoded once for all readers. A value that JSON
// cannot carry, or whose MarshalJSON panics, takes its place in the order with an
// error; the reader continues with the next one. A float of whole value keeps a
// fraction: 22.0. [Untyped.Set] checks a value against the type, [Untyped.Refill] does
// not.
//
// # Shapes
//
// The version of the shape of a record is the number of its migrations, see [Migration].
// [Untyped.Upgrade] brings the JSON of an older version to the present one, and
// [Untyped.Set] takes values of older types. Refill takes values of the present shape.
//
// # Units
//
// Write times are Unix milliseconds, capacities are numbers of values.
//
// # Errors
//
// [Register] returns what is wrong with a key or a configuration. A declaration of
// a stage returns what is wrong with its arguments. Build returns everything that
// is wrong with the graph, by the keys of the records, and repeats the errors of
// declarations.
package records
