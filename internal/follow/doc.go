// Package follow reads a history, and then the log that it was stored from, as one sequence:
// each value once, with a marker where what follows is live. Each event has a [Position],
// from which a later sequence continues, also in another process that reads the same log.
//
// Without a history the sequence begins with the oldest message of the log. It then reports
// what the log has discarded as a loss.
package follow
