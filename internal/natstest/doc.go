// Package natstest runs NATS servers as child processes for tests: single ones and
// clusters, with file stores. They can be killed, restarted, reloaded, and started from
// a copy of their store.
//
// The binary is built from the version of nats-server in go.mod, where it is a tool, and
// lies in the build cache of the go command. All servers listen on 127.0.0.1 and end with
// the test.
package natstest
