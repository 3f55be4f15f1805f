// Package historytest is the suite that every store of a history must pass. It
// knows of a store only what history.Reader, history.Pruner and sinks.Sink say,
// and from a Target how to open one. A store may refuse values that are no JSON.
//
// Answers are compared with those of a model that holds all rows in a slice.
// Random tests log their seed.
package historytest
