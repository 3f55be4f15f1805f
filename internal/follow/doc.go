// Package follow reads a history, and then the log that it was stored from, as one sequence:
// each value once, with a marker where what follows is live. Each event has a [Position],
// from which a later sequence continues, also in another process that reads the same log.
//
// Without a history the sequence begins with the oldest message of the log. It then reports
// what the log has discarded as a loss.
//
// The values of one record come in the order in which they were logged; rows of the history
// come by time. [Follower.Run] calls Yield from one goroutine and keeps no queue: while Yield
// does not return, nothing is read, and what the log discards meanwhile is a loss, or ends
// the sequence if Discarded says so. Run returns when its context ends, when Yield returns
// false, or after it has yielded one error. Whether a position can be continued without a
// gap is asked before, with [Source.Gone]. Times are Unix milliseconds.
package follow
