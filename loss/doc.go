// Package loss describes values that did not reach their destination: which
// record they belong to, why they were lost, how many there were, their numbers
// and their times.
//
// A loss is counted where it happens and stays there. The loss of a ring belongs
// to its record, the loss of a sink to the ledger of that sink. Times are Unix
// milliseconds.
package loss
