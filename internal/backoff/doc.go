// Package backoff holds the pause between two attempts at something that failed.
package backoff
