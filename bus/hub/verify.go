package hub

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/aimdb-go/aimdb/internal/counted"
)

// Verify reads the stream of the hub, compares it with the sites as far as they answer,
// and names what is missing. It changes nothing.
func (h *Hub) Verify(ctx context.Context) (Verification, error) {
	stream, err := h.js.Stream(ctx, h.stream)
	if err != nil {
		return Verification{}, fmt.Errorf("hub: verify the stream %s: %w", h.stream, err)
	}
	state := stream.CachedInfo().State
	v := Verification{
		Hub: h.config.Name, First: state.FirstSeq, Last: state.LastSeq, Messages: state.Msgs,
		Discarded: state.FirstSeq > 1, Sites: []SiteVerification{}, Problems: []string{},
	}
	sites, err := h.readSites(ctx, stream, &v)
	if err != nil {
		return v, fmt.Errorf("hub: verify the stream %s: %w", h.stream, err)
	}
	v.Verdict = Complete
	if len(v.Problems) > 0 {
		v.Verdict = UnknownLoss
	}
	for _, c := range sites {
		if err := h.compare(ctx, c); err != nil {
			return v, err
		}
		c.end()
		v.Sites = append(v.Sites, c.SiteVerification)
		v.Verdict = worse(v.Verdict, c.Verdict)
	}
	return v, nil
}

// readSites reads the stream to the end that it had, and returns what it has of each
// site: of those of Config first.
func (h *Hub) readSites(ctx context.Context, stream jetstream.Stream, v *Verification) ([]*siteCheck, error) {
	var all []*siteCheck
	known := map[string]*siteCheck{}
	find := func(site string) *siteCheck {
		if known[site] == nil {
			known[site] = newSiteCheck(site)
			known[site].index.read = readChunk(stream, site)
			all = append(all, known[site])
		}
		return known[site]
	}
	for _, s := range h.config.Sites {
		find(s.Name)
	}
	next := v.First
	lost := uint64(0)
	err := readHeaders(ctx, stream, "", v.First, v.Last, func(m jetstream.Msg, sequence uint64) {
		lost += sequence - next
		next = sequence + 1
		from, sourced := originOf(m.Headers())
		if site, ours := siteOf(m.Subject()); ours && sourced {
			find(site).take(from, sequence, m.Headers(), payloadSize(m))
			return
		}
		v.Problems = append(v.Problems, fmt.Sprintf("The message %d of the stream, on the subject %s, is not of a site.", sequence, m.Subject()))
	})
	if v.Messages > 0 {
		lost += v.Last + 1 - next
	}
	if lost > 0 {
		v.Problems = append(v.Problems, fmt.Sprintf("The stream of the hub has lost %s between its sequences %d and %d.", counted.Of(lost, "message"), v.First, v.Last))
	}
	return all, err
}

// siteOf returns the site of a subject aimdb.<site>.log.<record>.
func siteOf(subject string) (string, bool) {
	tokens := strings.SplitN(subject, ".", 4)
	if len(tokens) < 4 || tokens[0] != "aimdb" || tokens[2] != "log" {
		return "", false
	}
	return tokens[1], true
}

// compare asks a site what it has, and compares it with what the hub has.
func (h *Hub) compare(ctx context.Context, c *siteCheck) error {
	state, configured := h.sites[c.Site]
	if !configured {
		c.Notes = append(c.Notes, "The site is not one of the hub any more.")
		return nil
	}
	err := h.compareSite(ctx, c, state.Site)
	switch {
	case errors.Is(err, errAway):
		c.Notes = append(c.Notes, "The site does not answer: what it has after the last message of the hub is not known.")
	case err != nil && ctx.Err() == nil:
		c.Notes = append(c.Notes, fmt.Sprintf("The site could not be compared: %v.", err))
	}
	return ctx.Err()
}

func (h *Hub) compareSite(ctx context.Context, c *siteCheck, s Site) error {
	log, err := h.ask(ctx, s)
	if err != nil {
		return err
	}
	c.Answers, c.Identity, c.First, c.Last = true, log.identity, log.first, log.last
	end := uint64(0)
	if have := c.newest(); have != nil {
		end = have.Last
		if have.Stream != log.stream {
			c.Notes = append(c.Notes, "The log of the site was created again, and the hub has read nothing of it yet.")
			end, c.index.chunks = 0, nil
		}
	}
	if c.Lag, err = h.count(ctx, s, end+1); err != nil {
		return err
	}
	for range countAttempts {
		c.Missing = []Range{}
		part := comparison{hub: h, site: s, stream: log.stream, check: c, requests: maxRequests}
		if err := part.find(ctx, log.first, end); err != nil {
			return err
		}
		now, err := h.ask(ctx, s)
		if err != nil {
			return err
		}
		if now.first == log.first { // nothing was discarded meanwhile
			c.Compared = true
			return nil
		}
		log = now
	}
	return fmt.Errorf("hub: compare the site %s: %w", s.Name, errBusy)
}
