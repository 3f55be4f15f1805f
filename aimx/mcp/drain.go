package mcp

import (
	"context"
	"errors"
	"fmt"

	"github.com/aimdb-go/aimdb/aimx"
)

type drainArguments struct {
	recordArguments
	Limit int `json:"limit,omitempty" jsonschema:"at most that many values; the others stay for the next call; all if it is left out"`
}

type drainAnswer struct {
	Record string  `json:"record_name"`
	Values []value `json:"values" jsonschema:"oldest first"`
	Count  int     `json:"count"`
	Fresh  bool    `json:"fresh,omitempty" jsonschema:"the connection is new: a ring has nothing yet, and the next call has what is written from now on"`
	Hint   string  `json:"hint,omitempty"`
}

func (s *Server) drainRecord(ctx context.Context, in drainArguments) (drainAnswer, error) {
	answer := drainAnswer{Record: in.Record, Values: []value{}}
	if in.Limit < 0 {
		return answer, errors.New("limit is negative; give 1 or more, or leave it out")
	}
	t, err := s.target(in.at)
	if err != nil {
		return answer, err
	}
	// A value that was taken is gone, so take as many as surely fit: one at a time.
	answer.Fresh, err = s.once(ctx, t, true, func(c *aimx.Client) error {
		for size := reserve; in.Limit == 0 || answer.Count < in.Limit; {
			values, err := c.Drain(ctx, in.Record, 1)
			if err != nil || len(values) == 0 {
				return err
			}
			one := valueOf(values[0], s.config.AnswerBytes/4)
			answer.Values = append(answer.Values, one)
			answer.Count++
			if size += len(values[0]) + 20; size > s.config.AnswerBytes*3/4 {
				answer.Hint = "there may be more; call again"
				return nil
			}
		}
		return nil
	})
	if err != nil && answer.Count > 0 {
		answer.Hint, err = "the database failed before all values were taken: "+err.Error(), nil
	}
	if lost := (*aimx.ConnectionError)(nil); errors.As(err, &lost) && !answer.Fresh {
		err = fmt.Errorf("%w; the values since the last call cannot be drained any more: call again for those from now on, and read what was missed with query_range", err)
	}
	return answer, err
}
