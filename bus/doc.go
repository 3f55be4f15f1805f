// Package bus keeps the log of a database: a NATS stream in an embedded
// server.
package bus
