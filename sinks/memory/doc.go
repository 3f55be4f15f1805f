// Package memory is a history in memory: a sink that answers queries and can be
// pruned. It is for tests and for histories that need not outlive the process.
// Every query reads all rows.
package memory
