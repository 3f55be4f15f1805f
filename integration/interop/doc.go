// Package interop shows that tools of others work with this project: the nats
// command with a running hub, and Litestream with a history that is written
// to. Its tests need the build tag interop and the tools; make interop builds
// them and runs the tests.
package interop
