package hub

import (
	"errors"
	"fmt"
	"log/slog"
	"regexp"
	"time"

	"github.com/aimdb-go/aimdb/bus"
)

// The defaults of a Config.
const (
	DefaultName       = "hub"
	DefaultEvery      = time.Second
	DefaultSleepAfter = MinSleepAfter
)

// MinSleepAfter is the least SleepAfter. A source waits two seconds between attempts, and
// needs two for a log that was created again.
const MinSleepAfter = 3 * time.Second

// Config configures a hub. A zero field has its default.
type Config struct {
	// Name is part of the name of the stream. It must not be that of another hub of the
	// same servers.
	Name string
	// Sites are the databases whose logs the hub collects.
	Sites []Site
	// MaxAge and MaxBytes limit the stream, which discards the oldest messages first.
	// Verify no longer sees what it has discarded. The defaults are those of a log.
	MaxAge   time.Duration
	MaxBytes int64
	// Memory keeps the stream in memory, Replicas on several servers of a cluster.
	Memory   bool
	Replicas int
	// Every is the time between two comparisons with the sites. A source that has not
	// brought anything for SleepAfter, although its site answers and has more, is
	// mended. SleepAfter is at least MinSleepAfter.
	Every, SleepAfter time.Duration
	// Logger receives what happens to sites. Nil discards it.
	Logger *slog.Logger
}

// Site is a database whose server joins the hub as a leaf node.
type Site struct {
	// Name is the name of the database.
	Name string
	// Domain is the JetStream domain of its server, bus.Domain by default.
	Domain string
}

var siteName = regexp.MustCompile(`^[A-Za-z0-9_-]{1,64}$`)

func (c Config) withDefaults() Config {
	if c.Name == "" {
		c.Name = DefaultName
	}
	if c.MaxAge == 0 {
		c.MaxAge = bus.DefaultMaxAge
	}
	if c.MaxBytes == 0 {
		c.MaxBytes = bus.DefaultMaxBytes
	}
	if c.Replicas == 0 {
		c.Replicas = 1
	}
	if c.Every <= 0 {
		c.Every = DefaultEvery
	}
	if c.SleepAfter <= 0 {
		c.SleepAfter = DefaultSleepAfter
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	sites := make([]Site, len(c.Sites))
	for i, s := range c.Sites {
		if s.Domain == "" {
			s.Domain = bus.Domain(s.Name)
		}
		sites[i] = s
	}
	c.Sites = sites
	return c
}

// Check returns an error if the configuration contradicts itself.
func (c Config) Check() error { return c.withDefaults().check() }

func (c Config) check() error {
	var errs []error
	if !siteName.MatchString(c.Name) {
		errs = append(errs, fmt.Errorf("hub: the name %q does not fit into that of a stream; use 1 to 64 letters, digits, '_' and '-'", c.Name))
	}
	if c.MaxAge < 0 || c.MaxBytes < 0 {
		errs = append(errs, errors.New("hub: MaxAge and MaxBytes must not be negative"))
	}
	if c.SleepAfter < MinSleepAfter {
		errs = append(errs, fmt.Errorf("hub: a source that is added again needs some time to begin, and SleepAfter is %v; give at least %v", c.SleepAfter, MinSleepAfter))
	}
	known := map[string]bool{}
	for _, s := range c.Sites {
		if !siteName.MatchString(s.Name) {
			errs = append(errs, fmt.Errorf("hub: the site %q is not the name of a database; use 1 to 64 letters, digits, '_' and '-'", s.Name))
		}
		if known[s.Name] {
			errs = append(errs, fmt.Errorf("hub: the site %s is given twice", s.Name))
		}
		known[s.Name] = true
	}
	return errors.Join(errs...)
}
