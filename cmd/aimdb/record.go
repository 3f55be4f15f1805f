package main

import (
	"github.com/spf13/cobra"
)

func newRecord(env func(string) string) *cobra.Command {
	c := group("record", "Read, set and watch the records of a running database",
		newRecordList(env), newRecordGet(env), newRecordSet(env), newRecordDrain(env), newRecordQuery(env), newRecordWatch(env), newRecordRefused(env))
	c.Example = `  aimdb record list 'temp::*'
  aimdb record get hub.settings --format yaml
  aimdb record set hub.settings '{"tolerance_celsius":1.5}'
  aimdb record query 'accuracy::*' --latest 3 --format csv
  aimdb record query 'accuracy::*' --bucket 1h --path absolute_error
  aimdb watch 'temp::*' --count 5
  aimdb watch 'accuracy::*' --from 1h --count 5 --format ndjson`
	return c
}
