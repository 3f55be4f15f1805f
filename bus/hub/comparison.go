package hub

import (
	"context"
	"errors"
	"fmt"
)

const (
	// maxRequests bounds the requests to a site to find where messages are missing.
	maxRequests = 300
	// countAttempts is how often the messages in a range are counted while the site
	// writes.
	countAttempts = 10
)

// comparison finds the messages that a site has and the hub has not.
type comparison struct {
	hub      *Hub
	site     Site
	stream   string // what the servers call the log
	check    *siteCheck
	requests int
}

// find compares the number of messages in a range of sequences, and halves it where the
// site has more.
func (p *comparison) find(ctx context.Context, from, to uint64) error {
	if from > to {
		return nil
	}
	there, err := p.between(ctx, from, to)
	if err != nil {
		return err
	}
	here, err := p.check.index.count(ctx, p.stream, from, to)
	if err != nil {
		return err
	}
	switch {
	case there <= here: // what the site has discarded is still here
		return nil
	case here == 0 || p.requests <= 0:
		p.report(Range{From: from, To: to, Count: there - here})
		return nil
	}
	middle := p.check.index.middle(from, to)
	if err := p.find(ctx, from, middle); err != nil {
		return err
	}
	return p.find(ctx, middle+1, to)
}

// report adds a range to those missing, or joins it to the one before it.
func (p *comparison) report(r Range) {
	if n := len(p.check.Missing); n > 0 && p.check.Missing[n-1].To+1 == r.From {
		p.check.Missing[n-1].To, p.check.Missing[n-1].Count = r.To, p.check.Missing[n-1].Count+r.Count
		return
	}
	p.check.Missing = append(p.check.Missing, r)
}

// between returns how many messages a site has in a range. It counts until nothing is
// written meanwhile.
func (p *comparison) between(ctx context.Context, from, to uint64) (uint64, error) {
	for range countAttempts {
		before, err := p.count(ctx, from)
		if err != nil {
			return 0, err
		}
		after, err := p.count(ctx, to+1)
		if err != nil {
			return 0, err
		}
		again, err := p.count(ctx, from)
		if err != nil {
			return 0, err
		}
		if before == again {
			return before - after, nil
		}
	}
	return 0, fmt.Errorf("hub: count the messages of the site %s: %w", p.site.Name, errBusy)
}

var errBusy = errors.New("it writes too fast; verify again")

func (p *comparison) count(ctx context.Context, from uint64) (uint64, error) {
	p.requests--
	return p.hub.count(ctx, p.site, from)
}
