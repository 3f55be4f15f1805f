// Package records holds the typed records of a database in memory: the buffers,
// their readers and producers, and the graph of stages between them. It is the
// write path. A write copies a value into a slot and returns; whoever wants the
// value comes for it.
//
// # Buffers
//
// A [Ring] keeps the last values and lets every reader see all of them in
// order, a [Latest] record keeps the newest, a [Mailbox] is emptied by the
// first who takes. See the constants for what each promises.
//
// # Order
//
// The values of a record have one order, which all its readers see; it is the
// order of their numbers, which count from 1. Values of one producing goroutine
// keep their order. Between records there is none.
//
// # Slow consumers
//
// [Record.Produce] never waits. A reader that is too slow for a ring goes on at
// the oldest value kept, and what it missed is counted, by reader and cause, in
// [Handle.Metrics]; where values missed by the log are concerned also in
// [Handle.Losses]. [Record.Send] waits for the readers that Config.Lossless
// names, and so does whatever stages emit. [Record.ProduceLogged] waits until
// the log has the value. No reader slows another one.
//
// # Stages
//
// [Source], [Record.Tap], [Map], [Transform], [Join] and [Join2] declare stages
// before [Registry.Build]; [Registry.Run] gives each a goroutine. A stage that
// panics or fails is counted and logged with its stack, and is restarted or
// ends Run by its [Policy]; it takes nobody else down. The value that it failed
// on is not tried again.
//
// # Shutdown
//
// When the context of Run ends, sources end first, then each stage works off
// what is left in its inputs, inputs before outputs. After Run has returned, a
// [Feed] still gives what is left, and does so under a context that has ended,
// too. [Registry.Close] then ends readers when they have read what is kept, and
// everybody who waits: they get [ErrClosed]. The package has no goroutines of
// its own but those of stages, and Run waits for them.
//
// # JSON
//
// Readers that do not know the type get [Encoded] values. Encoding happens in
// the goroutine of the reader, once per value however many of them there are. A
// value that JSON cannot carry, or whose MarshalJSON panics, is an error on its
// own place in the stream; the next one goes on.
//
// # Units
//
// Write times are Unix milliseconds; capacities are numbers of values.
// Durations of stages are time.Duration.
//
// # Errors
//
// What is wrong with a key or a configuration is told by [Register]; what is
// wrong with the graph by Build, all at once and by the keys of the records.
// Patterns follow the rule of AimX 3.0, widened for the separator '::', see
// [Pattern].
package records
