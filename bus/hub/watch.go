package hub

import (
	"context"
	"errors"
	"time"
)

// maxPatience is the longest time between two attempts to mend a source.
const maxPatience = 5 * time.Minute

// siteState is what Run knows of a site.
type siteState struct {
	Site
	away    bool
	refused string // the last error of the site other than being away
	log     string // the identity of its log
	// have is the last message of it in the stream, and since when there is more at
	// the site and none has come.
	have  origin
	since time.Time
	// patience is how long a source may bring nothing. It doubles each time that
	// mending does not help, and is the first one again when the site was away.
	patience time.Duration
	stats    SiteStats
}

// SiteStats is what Run has seen of a site.
type SiteStats struct {
	Site string `json:"site"`
	// Answers says whether the site answered when it was asked last, and Lag how many
	// messages it had then that the hub had not.
	Answers bool   `json:"answers"`
	Lag     uint64 `json:"lag"`
	// Mended counts how often the source of the site slept and was added again.
	Mended uint64 `json:"mended"`
}

// Stats returns what Run has seen of each site, in the order of Config.
func (h *Hub) Stats() []SiteStats {
	h.mu.Lock()
	defer h.mu.Unlock()
	var all []SiteStats
	for _, s := range h.config.Sites {
		stats := h.sites[s.Name].stats
		stats.Site = s.Name
		all = append(all, stats)
	}
	return all
}

// Run compares the stream with its sites until ctx ends, and mends sources that sleep.
// The server reads the sites also without it.
func (h *Hub) Run(ctx context.Context) error {
	ticker := time.NewTicker(h.config.Every)
	defer ticker.Stop()
	for {
		for _, s := range h.config.Sites {
			if err := h.watch(ctx, h.sites[s.Name]); err != nil && ctx.Err() == nil {
				h.log.Warn("hub: the source of a site could not be watched", "site", s.Name, "error", err)
			}
		}
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
		}
	}
}

// watch compares the stream with one site. Only Run calls it.
func (h *Hub) watch(ctx context.Context, s *siteState) error {
	log, err := h.ask(ctx, s.Site)
	if err != nil {
		return h.noAnswer(s, err)
	}
	h.answers(s, log)
	have, err := h.newest(ctx, s.Site)
	if err != nil {
		return err
	}
	after := have.sequence
	if have.identity != log.stream {
		after = 0 // of a log that the site no longer has
	}
	lag, err := h.count(ctx, s.Site, after+1)
	if err != nil {
		return h.noAnswer(s, err)
	}
	h.note(s, func(stats *SiteStats) { stats.Lag = lag })
	if lag == 0 || have != s.have {
		s.have, s.since, s.patience = have, time.Now(), h.config.SleepAfter
		return nil
	}
	asleep := time.Since(s.since)
	if asleep < s.patience {
		return nil
	}
	if have.sequence == 0 {
		active, err := h.active(ctx, s.Site)
		if active || err != nil {
			return err // the limits of the stream may have discarded what it had
		}
	}
	s.since, s.patience = time.Now(), min(2*s.patience, max(maxPatience, h.config.SleepAfter))
	if err := h.mend(ctx, s.Site); err != nil {
		return err
	}
	h.note(s, func(stats *SiteStats) { stats.Mended++ })
	h.log.Info("hub: the source of a site brought nothing although the site has more; it was added again",
		"site", s.Name, "after", asleep.Round(time.Second).String(), "last", have.sequence, "waiting", lag)
	return nil
}

// answers notes that a site answers.
func (h *Hub) answers(s *siteState, log siteLog) {
	if s.away {
		h.log.Info("hub: the site answers again", "site", s.Name)
	}
	if s.log != "" && s.log != log.identity {
		h.log.Warn("hub: the log of the site was created again; the hub reads it from its start and keeps what it has of the other",
			"site", s.Name, "log", log.identity, "before", s.log)
	}
	if s.away || s.log != log.identity {
		s.since, s.patience = time.Now(), h.config.SleepAfter
	}
	s.away, s.refused, s.log = false, "", log.identity
	h.note(s, func(stats *SiteStats) { stats.Answers = true })
}

// noAnswer notes that a site is away, which is logged once. Any other error is logged
// when it changes.
func (h *Hub) noAnswer(s *siteState, err error) error {
	h.note(s, func(stats *SiteStats) { stats.Answers = false })
	s.since = time.Now()
	if errors.Is(err, errAway) {
		if !s.away {
			h.log.Warn("hub: the site does not answer; the hub reads on when it does", "site", s.Name)
		}
		s.away = true
		return nil
	}
	if s.refused == err.Error() {
		return nil
	}
	s.refused = err.Error()
	return err
}

func (h *Hub) note(s *siteState, change func(*SiteStats)) {
	h.mu.Lock()
	defer h.mu.Unlock()
	change(&s.stats)
}

// active reports whether the server has heard of the source of a site lately.
func (h *Hub) active(ctx context.Context, site Site) (bool, error) {
	stream, err := h.js.Stream(ctx, h.stream)
	if err != nil {
		return false, err
	}
	want := site.source()
	for _, source := range stream.CachedInfo().Sources {
		if source.Name == want.Name {
			return stream.CachedInfo().State.FirstSeq > 1 && source.Active >= 0 && source.Active < h.config.SleepAfter, nil
		}
	}
	return false, nil
}
