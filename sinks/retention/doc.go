// Package retention decides what of a history stays and has it pruned from
// time to time.
//
// # Policies
//
// Each record is subject to one policy, that of the most specific pattern that
// matches it. Patterns are compared segment by segment: a literal is more
// specific than '*', and '*' than '#'. Of equals the first in the list counts. A
// record that no policy matches is kept, except for the limit of the whole
// history, which only Forever exempts from.
//
// # Clocks
//
// Limits of rows and bytes keep what was stored last, whatever its time. Limits
// of age go by the time of a row, or by when a sweep first found it if its time
// lies in the future.
//
// A clock may be wrong. What is known to have come is the time of the last sweep
// and what has passed since the process started. If the clock is further ahead
// than that, as after a long stop, a record of which more than nine tenths would
// go only because of that keeps these rows. The sweep reports it, and so does a
// dry run. They go when they are old enough without the doubt, or at once if
// Config.ClockOK says that the clock is right.
//
// # Sweeps
//
// Run sweeps when it starts and then at jittered intervals, and ends with its
// context. A sweep that fails is logged and tried again at the next interval.
// The sweep deletes in steps that stay deleted, so nothing of it is lost. Times
// are Unix milliseconds, sizes are bytes.
package retention
