// Package sinks holds what every sink of the log shares.
package sinks
