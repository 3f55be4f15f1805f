// Package sinks is the contract between the log and whatever stores it: a
// database, a file, a memory. It imports no implementation and no NATS.
//
// A [Sink] takes batches in the order of the log and commits each one together
// with its checkpoint. The checkpoint, not the consumer in the log, decides where
// reading goes on, so that values are stored once. Package pump moves the log into
// a sink, package sinktest is the conformance suite of every sink, and package
// memory is the smallest sink that passes it.
//
// Times are Unix milliseconds and sizes are bytes.
package sinks
