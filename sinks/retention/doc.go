// Package retention decides what of a history stays and has it pruned from
// time to time.
//
// Each record is subject to one policy, that of the most specific pattern that
// matches it: patterns are compared segment by segment, where a literal is more
// specific than '*' and '*' more than '#'; of equals the first in the list
// counts. A record that no policy matches is kept, except for the limit of the
// file, which only Forever exempts from.
//
// Run sweeps when it starts and then at jittered intervals, and ends with its
// context. A sweep that fails is logged and tried again at the next interval;
// since the sweep deletes in pieces that stay deleted, nothing of it is lost.
// Ages are relative to the clock of the Config. Times are Unix milliseconds,
// sizes bytes.
package retention
