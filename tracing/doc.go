// Package tracing makes OpenTelemetry spans of the batches that the sinks of a database
// store:
//
//	config.OnBatch = tracing.OnBatch(provider)
//
// Each call of a sink is a span of the kind client with the name "store SINK". It has the
// sink, the number of values, dead letters and losses, and the range of the log as
// attributes, and the error of the sink, which mostly means that the batch is tried again.
// A span is a trace of its own: a batch has values of many producers.
//
// The package links the API of OpenTelemetry only. The provider, with its exporter, is that
// of the program.
package tracing
