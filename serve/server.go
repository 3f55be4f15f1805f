package serve

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/aimdb-go/aimdb"
	"github.com/aimdb-go/aimdb/key"
)

// Server is a database that is described by settings.
type Server struct {
	db     *aimdb.DB
	logger *slog.Logger
	extra  []part
	web    lateHandler
	spans  *spans // nil if none are sent

	// rules declare the records that clients begin.
	rules atomic.Pointer[rules]
	// reloading is held by one Reload at a time.
	reloading sync.Mutex
	settings  *Settings // of the start
	// registered are the rules of the records with keys, by their normalized keys.
	registered map[string]*rule
	trouble    atomic.Pointer[string]
}

// part is something that runs beside the database and is closed with it.
type part struct {
	name    string
	address string
	run     func(context.Context) error
	close   func() error
	metrics prometheus.Collector
}

// Open opens the history, the listeners and the database of settings from Load. It leaves
// nothing open if it fails. A caller that does not call Run has to call Close.
func Open(s *Settings, logger *slog.Logger) (*Server, error) {
	srv := &Server{logger: logger, settings: s, registered: map[string]*rule{}}
	srv.rules.Store(s.rules)
	var err error
	if srv.spans, err = openSpans(s.Otel, s.Name, logger); err != nil {
		return nil, err
	}
	if srv.db, err = s.openDatabase(srv.config, logger); err != nil {
		srv.spans.close()
		return nil, err
	}
	if err := srv.prepare(); err != nil {
		return nil, errors.Join(err, srv.Close())
	}
	return srv, nil
}

// config returns what the database is told.
func (s *Server) config(backend aimdb.Backend) aimdb.Config {
	c := s.settings.database(backend)
	c.Logger, c.Handler, c.Troubles = s.logger, &s.web, s.troubles
	c.Declare, c.DynamicLimit = s.declare, s.settings.MaxRecords
	if c.DynamicLimit == 0 {
		c.DynamicLimit = DefaultMaxRecords
	}
	c.OnBatch = s.spans.onBatch()
	return c
}

// declare returns the options of a record that a client begins.
func (s *Server) declare(name string) ([]aimdb.RecordOption, error) {
	return s.rules.Load().options(name)
}

// prepare registers the records that have keys, and opens what runs beside the database.
func (s *Server) prepare() error {
	for _, r := range s.settings.rules.keys {
		if err := s.register(r, s.settings); err != nil {
			return err
		}
	}
	m, err := openMQTT(s.db, s.settings, s.logger)
	if err != nil {
		return s.settings.explain(err)
	}
	var measured []prometheus.Collector
	if m != nil {
		s.extra = append(s.extra, *m)
		measured = append(measured, m.metrics)
	}
	web, err := webHandler(s.db, measured...)
	if err != nil {
		return err
	}
	s.web.set(web)
	return nil
}

// register registers a record that has a key.
func (s *Server) register(r *rule, by *Settings) error {
	if _, err := aimdb.AddJSON(s.db, r.Key, r.options()...); err != nil {
		return fmt.Errorf("%s: %w", by.givenAt(r.at), err)
	}
	s.registered[key.Normalize(r.Key)] = r
	return nil
}

// DB returns the database.
func (s *Server) DB() *aimdb.DB { return s.db }

// Run serves until ctx ends or a part fails, and closes everything.
func (s *Server) Run(ctx context.Context) error {
	running, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	ended := make(chan error, len(s.extra))
	for _, p := range s.extra {
		go func() {
			err := p.serve(running, s.db.Ready())
			if err != nil {
				stop(err)
			}
			ended <- err
		}()
	}
	err := withSetting(s.db.Run(running))
	stop(nil)
	for range s.extra {
		err = errors.Join(err, <-ended)
	}
	err = errors.Join(err, s.closeExtra()) // Run of the database has closed it, and has told why that failed
	s.spans.close()                        // after the last batch
	return err
}

// serve runs a part once the database serves.
func (p part) serve(ctx context.Context, ready <-chan struct{}) error {
	select {
	case <-ready:
	case <-ctx.Done():
		return nil
	}
	if err := p.run(ctx); err != nil && ctx.Err() == nil {
		return fmt.Errorf("%s: %w", p.name, err)
	}
	return nil
}

// Close ends a server, and releases what one has that was not run.
func (s *Server) Close() error {
	err := errors.Join(s.closeExtra(), s.db.Close())
	s.spans.close() // after the last batch
	return err
}

func (s *Server) closeExtra() error {
	var errs []error
	for _, p := range s.extra {
		errs = append(errs, p.close())
	}
	return errors.Join(errs...)
}

// troubles are told by /health.
func (s *Server) troubles() []string {
	if t := s.trouble.Load(); t != nil {
		return []string{*t}
	}
	return nil
}

// contains reports whether an error names something.
func contains(err error, name string) bool { return strings.Contains(err.Error(), name) }

// lateHandler is a handler that is known once the database is open.
type lateHandler struct{ handler atomic.Pointer[http.Handler] }

func (l *lateHandler) set(h http.Handler) { l.handler.Store(&h) }

// ServeHTTP implements http.Handler.
func (l *lateHandler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if h := l.handler.Load(); h != nil {
		(*h).ServeHTTP(w, r)
		return
	}
	http.NotFound(w, r)
}
