package main

import (
	"github.com/spf13/cobra"
)

func newRecord(env func(string) string) *cobra.Command {
	c := group("record", "Read, set and watch the records of a running database",
		newRecordList(env), newRecordGet(env), newRecordSet(env), newRecordDrain(env), newRecordQuery(env), newRecordWatch(env))
	return c
}
