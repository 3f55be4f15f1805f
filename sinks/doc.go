// Package sinks is the contract between the log of a database and whatever its
// values are stored in: databases, files, anything that implements Sink.
//
// A sink is a subscriber of the log with a checkpoint. Package pump reads the log
// from that checkpoint on and writes batches; package sinktest is the suite that
// every sink must pass, and package memory the smallest sink that does.
package sinks
