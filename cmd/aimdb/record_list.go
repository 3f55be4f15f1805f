package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"github.com/aimdb-go/aimdb/aimx"
	"github.com/aimdb-go/aimdb/internal/counted"
)

func newRecordList(env func(string) string) *cobra.Command {
	at := connection{credentials: credentials{env: env}}
	var f format
	pause := time.Second
	c := &cobra.Command{
		Use:   "list [PATTERN]",
		Short: "List the records of a running database",
		Long: `List the records of a running database, or those that match a pattern.

AGE is the time since the last write, RATE/S the number of values a second, counted for a
second before the list is printed, or for as long as --rate says. Formats other than a table
have the rate only with --rate. DROPPED counts values that a reader was too slow for, LOST
those that were discarded before they were logged. "-" is what the server does not say.`,
		Example: `  aimdb record list
  aimdb record list 'temp::*' --rate 10s
  aimdb record list --format ndjson | jq .record_key
  aimdb record list --connect ws://127.0.0.1:8080/ws`,
		Args: argumentsFrom(0, "PATTERN"),
		RunE: func(cmd *cobra.Command, args []string) error {
			topic := "#"
			if len(args) == 1 {
				topic = args[0]
			}
			if err := checkTopic(topic); err != nil {
				return err
			}
			if f != asTable && !cmd.Flags().Changed("rate") {
				pause = 0
			}
			return connected(cmd.Context(), at.target(), &at.credentials, func(client *aimx.Client) error {
				list, err := measured(cmd.Context(), client, topic, pause)
				if err != nil {
					return err
				}
				return printList(cmd, f, client, list)
			})
		},
	}
	at.flag(c)
	f.flag(c.Flags())
	c.Flags().Var(spanFlag{&pause}, "rate", "measure the rate for that long; 0s leaves it out")
	return c
}

// listedRecord is a record with its rate, if that was measured.
type listedRecord struct {
	aimx.RecordInfo
	Rate *float64 `json:"values_per_second,omitempty"`
}

// measured returns the records that match, with their rates over a span of time.
func measured(ctx context.Context, client *aimx.Client, topic string, span time.Duration) (rows []listedRecord, err error) {
	before := map[string]uint64{}
	start := time.Now()
	if span > 0 {
		list, err := matching(ctx, client, topic)
		if err != nil {
			return nil, err
		}
		for _, r := range list {
			before[r.Key] = r.Produced
		}
		select {
		case <-time.After(span):
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
	}
	list, err := matching(ctx, client, topic)
	seconds := time.Since(start).Seconds()
	for _, r := range list {
		row := listedRecord{RecordInfo: r}
		if was, measured := before[r.Key]; measured && r.Produced >= was { // it is less after a reset
			rate := float64(r.Produced-was) / seconds
			row.Rate = &rate
		}
		rows = append(rows, row)
	}
	return rows, err
}

func printList(cmd *cobra.Command, f format, client *aimx.Client, list []listedRecord) error {
	l := columns("RECORD", "TYPE", "BUFFER", "AGE", "RATE/S", "PRODUCED", "PERSISTED", "REMOTE", "WRITABLE", "DROPPED", "LOST")
	l.empty = "no records"
	now := time.Now()
	if err := printAll(cmd, f, l, each(list), func(r listedRecord) []any {
		return []any{r.Key, typeOf(r.RecordInfo), buffer(r.RecordInfo), ageOf(r.RecordInfo, now), r.rate(), r.Produced,
			saidYesNo(r.Persisted), saidYesNo(r.Remote), yesNo(r.Writable), r.Dropped, lostOf(r.RecordInfo)}
	}); err != nil || f != asTable {
		return err
	}
	printLegend(cmd, list)
	return printLostBySinks(cmd, client)
}

// printLegend says what DROPPED and LOST are, if there is any.
func printLegend(cmd *cobra.Command, list []listedRecord) {
	var dropped, lost uint64
	for _, r := range list {
		dropped += r.Dropped
		lost += r.Lost
	}
	if dropped > 0 {
		fmt.Fprintln(cmd.OutOrStdout(), "dropped: a reader was too slow for these values; the record had them")
	}
	if lost > 0 {
		fmt.Fprintln(cmd.OutOrStdout(), "lost: these values were discarded before they were logged; lost_by_cause in --format json says why")
	}
}

// printLostBySinks prints a line for each sink that lost values. It prints nothing
// if the server is one of upstream, which does not know sink.list.
func printLostBySinks(cmd *cobra.Command, client *aimx.Client) error {
	sinks, err := client.Sinks(cmd.Context())
	if refused := (*aimx.Refusal)(nil); errors.As(err, &refused) && refused.Code == aimx.CodeNotFound {
		return nil
	}
	if err != nil {
		return err
	}
	for _, s := range sinks {
		if s.Lost == 0 {
			continue
		}
		fmt.Fprintf(cmd.OutOrStdout(), "sink %s lost %s; see aimdb history stats --losses\n", s.Name, counted.Of(s.Lost, "value"))
	}
	return nil
}

// typeOf returns the schema of a record, or else the type of its values. Upstream has
// the type as the name of a row and an ID without meaning as the type.
func typeOf(r aimx.RecordInfo) string {
	if r.SchemaType == "" && r.Name != r.Key {
		return r.Name
	}
	return cmp.Or(r.SchemaType, r.TypeID)
}

func buffer(r aimx.RecordInfo) string {
	if r.BufferCapacity == nil {
		return r.BufferType
	}
	return r.BufferType + " " + strconv.Itoa(*r.BufferCapacity)
}

// ageOf is the time since the last write. The clock of the server may be ahead.
func ageOf(r aimx.RecordInfo, now time.Time) amount {
	if r.LastWrite == 0 {
		return "-"
	}
	return age(max(now.Sub(time.UnixMilli(r.LastWrite)), 0))
}

func (r listedRecord) rate() amount {
	switch {
	case r.Rate == nil:
		return "-"
	case *r.Rate < 10:
		return amount(strconv.FormatFloat(*r.Rate, 'f', 1, 64))
	}
	return amount(strconv.FormatFloat(*r.Rate, 'f', 0, 64))
}

// lostOf is the number of lost values, which upstream does not count.
func lostOf(r aimx.RecordInfo) amount {
	if r.Persisted == nil {
		return "-"
	}
	return amount(strconv.FormatUint(r.Lost, 10))
}

func saidYesNo(b *bool) string {
	if b == nil {
		return "-"
	}
	return yesNo(*b)
}
