package main

import "github.com/spf13/cobra"

func newSink() *cobra.Command {
	c := group("sink", "Run and look after sinks in processes of their own", newSinkRun(), newSinkList(), newSinkDeadLetters(), newSinkRewind())
	c.Long = `Run and look after sinks in processes of their own.

A sink copies what a database logs into a store: a SQLite file, PostgreSQL, compressed
lines of JSON, or Parquet files. The database keeps its log on NATS servers that run
elsewhere (aimdb demo --nats-url, or the option aimdb.Log in a program), and each sink
reads it from there. So each can be on a machine of its own, and end without the others.

run is the process that does the work. list shows how far each sink is and what it has
lost. dead-letters is for values that a store refused, rewind rebuilds a store from the
log.`
	c.Example = `  nats-server -js -sd ./nats-data -a 127.0.0.1                        # keeps the log
  aimdb demo --nats-url nats://127.0.0.1:4222                         # a database named hub
  aimdb sink run sqlite --nats-url nats://127.0.0.1:4222 --name hub --to ./copy.db
  aimdb sink list --nats-url nats://127.0.0.1:4222 --name hub`
	return c
}
