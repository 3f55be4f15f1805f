// Package sinktest is the suite that every sink must pass. It knows of a sink
// only what sinks.Sink says, and what a Target tells it: how to open one, and
// how to read back what is in it.
package sinktest
