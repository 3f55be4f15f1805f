package mcp

import (
	"context"
	"encoding/json"

	"github.com/aimdb-go/aimdb/aimx"
)

type statsRow struct {
	Record string `json:"record"`
	Rows   int64  `json:"rows"`
	Bytes  int64  `json:"bytes" jsonschema:"size of the values"`
	First  string `json:"first_time" jsonschema:"oldest write time"`
	Last   string `json:"last_time" jsonschema:"newest write time"`
}

type statsArguments struct {
	at
	Cursor string `json:"cursor,omitempty" jsonschema:"next_cursor of the answer before"`
}

type statsAnswer struct {
	Rows        int64      `json:"rows" jsonschema:"rows of the whole history"`
	Bytes       int64      `json:"bytes" jsonschema:"size of the history on disk"`
	LastPrune   string     `json:"last_prune,omitempty" jsonschema:"when retention has last removed old rows; absent if never"`
	Lost        uint64     `json:"lost" jsonschema:"values in the ledger of losses: see list_losses"`
	DeadLetters int64      `json:"dead_letters" jsonschema:"values that the history refused and kept aside"`
	Private     int        `json:"private_records" jsonschema:"records that are absent because clients may not read them"`
	Records     []statsRow `json:"records"`
	rest
}

func (s *Server) historyStats(ctx context.Context, in statsArguments) (answer statsAnswer, err error) {
	c, err := parseCursor(in.Cursor, "history_stats", in.Endpoint)
	if err != nil {
		return answer, err
	}
	stats, err := s.stats(ctx, in.at)
	if err != nil {
		return answer, err
	}
	answer = statsAnswer{
		Rows: stats.Rows, Bytes: stats.Bytes, LastPrune: timeOf(stats.LastPrune), Lost: stats.Lost,
		DeadLetters: stats.DeadLetters, Private: stats.PrivateRecords,
	}
	rows := make([]statsRow, len(stats.Records))
	for i, r := range stats.Records {
		rows[i] = statsRow{Record: r.Record, Rows: r.Rows, Bytes: r.Bytes, First: timeOf(r.FirstTime), Last: timeOf(r.LastTime)}
	}
	answer.Records, answer.rest = part(s.config.AnswerBytes, rows, c, 0)
	return answer, nil
}

func (s *Server) stats(ctx context.Context, a at) (stats aimx.HistoryStats, err error) {
	err = s.ask(ctx, a, func(c *aimx.Client) (err error) {
		stats, err = c.HistoryStats(ctx)
		return err
	})
	return stats, err
}

// call sends a request that Client has no method for, and decodes its answer.
func (s *Server) call(ctx context.Context, a at, method string, to any) error {
	return s.ask(ctx, a, func(c *aimx.Client) error {
		raw, err := c.Call(ctx, method, nil)
		if err != nil {
			return err
		}
		return json.Unmarshal(raw, to)
	})
}
