package bus

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

// TestAnswered: a question is asked again only if the server does not answer in time, and
// not for ever.
func TestAnswered(t *testing.T) {
	b := &Bus{answerTimeout: 5 * time.Second}
	late, other := fmt.Errorf("state: %w", context.DeadlineExceeded), errors.New("no permission")
	reopened := fmt.Errorf("state: %w", jetstream.ErrStreamNotFound)
	for name, c := range map[string]struct {
		answers []error
		want    error
		asked   int
	}{
		"at once":            {[]error{nil}, nil, 1},
		"later":              {[]error{late, late, nil}, nil, 3},
		"with another error": {[]error{late, other, nil}, other, 2},
		"when it is opened":  {[]error{reopened, reopened, nil}, nil, 3},
		"without a stream":   {[]error{reopened}, jetstream.ErrStreamNotFound, mostMissing},
		"never":              {[]error{late}, context.DeadlineExceeded, mostAsked},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				asked := 0
				err := b.answered(t.Context(), func(context.Context) error {
					asked++
					return c.answers[min(asked, len(c.answers))-1]
				})
				if !errors.Is(err, c.want) || asked != c.asked {
					t.Errorf("%v after %d questions, want %v after %d", err, asked, c.want, c.asked)
				}
			})
		})
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	asked := 0
	if err := b.answered(ended, func(context.Context) error { asked++; return late }); !errors.Is(err, context.DeadlineExceeded) || asked != 1 {
		t.Errorf("%v after %d questions of a caller that has left", err, asked)
	}
}
