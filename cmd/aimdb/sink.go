package main

import "github.com/spf13/cobra"

func newSink() *cobra.Command {
	c := group("sink", "Run and look after sinks in processes of their own", newSinkRun(), newSinkList(), newSinkDeadLetters(), newSinkRewind())
	c.Long = `Run and look after sinks in processes of their own.

A sink moves the log of a database into a store. The database and its sinks meet only
at the NATS servers that keep the log, so each can be on a machine of its own and end
without the others. These commands need such servers: see --nats-url of aimdb demo, and
aimdb.Log in the documentation of the package.`
	return c
}
