// Package memory is a sink that keeps the history in memory. It is for tests
// and for histories that need not outlive the process.
package memory
