// Package metric declares which numbers of a history are metrics of Prometheus.
//
// A [Metric] names the records by a pattern, the number in their values by a JSON path, and
// the labels. A label is a constant or one wildcard of the pattern: $1 is the first. Each
// wildcard must be a label, so that two records never become one series. A wildcard '#'
// takes any number of segments; a pattern has at most one, and its label joins them with
// '.'.
//
// [Read] reads declarations from a YAML file. What it does not know is an error with line
// and column.
package metric
