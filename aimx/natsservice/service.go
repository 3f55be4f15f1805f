package natsservice

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/micro"

	"github.com/aimdb-go/aimdb/aimx"
	"github.com/aimdb-go/aimdb/aimx/gateway"
	"github.com/aimdb-go/aimdb/aimx/internal/rpc"
	"github.com/aimdb-go/aimdb/ingest"
	"github.com/aimdb-go/aimdb/key"
)

// Version is that of the service: of its subjects, parameters and answers.
const Version = "1.0.0"

const (
	// pendingRequests and pendingBytes bound the requests to one method that wait.
	pendingRequests = 4096
	pendingBytes    = 16 << 20
	// flushTimeout bounds the wait for servers that do not answer.
	flushTimeout = 10 * time.Second
	// endTimeout bounds the answers at the end of Run.
	endTimeout = time.Second
)

// Subjects returns the subjects of requests to the service of a database, those by which
// it is found included.
func Subjects(database string) []string {
	subjects := []string{rpc.Prefix(database) + ">"}
	for _, verb := range []micro.Verb{micro.PingVerb, micro.InfoVerb, micro.StatsVerb} {
		subjects = append(subjects, micro.APIPrefix+"."+verb.String(), micro.APIPrefix+"."+verb.String()+".>")
	}
	return subjects
}

// Config configures a Service. Database, Connect and Gateway are required.
type Config struct {
	// Database is the name of the database, of letters, digits, '-' and '_'.
	Database string
	// Connect opens the connection of the service, which closes it.
	Connect func(context.Context) (*nats.Conn, error)
	// Gateway answers the calls.
	Gateway *gateway.Server
	// Live returns when live values reach all who have subscribed. It may be nil, if
	// they always do.
	Live func(context.Context) error
	// Writes are patterns of the records that may be set, none if it is nil. Without one,
	// there is no subscription to values either.
	Writes []key.Pattern
	// Ingest sets the records that values are published to. Nil takes none.
	Ingest *ingest.Writer
	// Queries bounds the queries of the history that run at a time. Default 4.
	Queries int
	// Logger may be nil.
	Logger *slog.Logger
}

// Service is the NATS service of one database. It runs once.
type Service struct {
	config Config
	// all matches every record.
	all key.Pattern
	// queries and verifications bound what reads the history.
	queries, verifications *lanes
	// counts has one entry for each method, by its name.
	counts map[string]*counts

	// calls ends with Run, and with it the calls that still run.
	calls  context.Context
	cancel context.CancelFunc
	work   sync.WaitGroup
	// setting is the goroutine of the setter.
	setting sync.WaitGroup

	mu      sync.Mutex
	nc      *nats.Conn    // nil before Run
	service micro.Service // nil before Run
	setter  *setter       // nil before Run, and if no value is taken
}

// New returns a service that serves nothing yet.
func New(c Config) *Service {
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	queries := cmp.Or(max(0, c.Queries), 4)
	s := &Service{
		config: c, all: key.WirePattern("#"),
		queries: newLanes(queries, 4*queries), verifications: newLanes(1, 0),
		counts: map[string]*counts{},
	}
	for _, m := range rpc.Methods() {
		s.counts[m.Name] = &counts{}
	}
	s.calls, s.cancel = context.WithCancel(context.Background())
	return s
}

// Run serves until ctx ends. It returns an error if it cannot connect or subscribe.
func (s *Service) Run(ctx context.Context) error {
	defer s.setting.Wait()
	defer s.cancel()
	nc, err := s.config.Connect(ctx)
	if err != nil {
		return fmt.Errorf("natsservice: connect: %w", err)
	}
	defer nc.Close()
	if err := s.start(nc); err != nil {
		return fmt.Errorf("natsservice: serve %s: %w", rpc.Prefix(s.config.Database)+">", err)
	}
	<-ctx.Done()
	err = s.stop()
	s.mu.Lock() // after this, nothing is started any more
	s.cancel()
	s.mu.Unlock()
	s.work.Wait()
	s.setting.Wait() // what was set is answered
	err = errors.Join(err, answerArrived(nc))
	if s.setter != nil {
		s.setter.settleAll()
	}
	return err
}

// answerArrived returns when the handlers have answered the requests that the servers had
// sent before the subscriptions ended. Calls have ended by then, so each answer is an error.
func answerArrived(nc *nats.Conn) error {
	if !nc.IsConnected() {
		return nil // no answer leaves
	}
	ctx, cancel := context.WithTimeout(context.Background(), endTimeout)
	defer cancel()
	handled := make(chan struct{})
	err := nc.FlushWithContext(ctx)
	if err == nil {
		err = nc.Barrier(func() { close(handled) })
	}
	if err == nil {
		select {
		case <-handled:
		case <-ctx.Done():
			err = ctx.Err()
		}
	}
	if err != nil && nc.IsConnected() {
		return fmt.Errorf("natsservice: answer the last requests: %w", err)
	}
	return nil
}

// start subscribes, and returns when the servers know of it.
func (s *Service) start(nc *nats.Conn) error {
	service, err := micro.AddService(nc, micro.Config{
		Name: rpc.ServiceName(s.config.Database), Version: Version, Description: "The records and the history of an AimDB database",
		Metadata:     map[string]string{"database": s.config.Database, "aimx": aimx.Version},
		StatsHandler: s.stats,
		ErrorHandler: func(_ micro.Service, err *micro.NATSError) {
			s.config.Logger.Warn("natsservice: a subscription of the NATS service failed; check the permissions of the database's user", "subject", err.Subject, "error", err.Description)
		},
	})
	if err != nil {
		return err
	}
	s.mu.Lock()
	s.nc, s.service = nc, service
	s.mu.Unlock()
	// It comes first: who gets an answer to a request may publish values from then on.
	if s.config.Ingest != nil && len(s.config.Writes) > 0 {
		err = s.startSetter(nc)
	}
	for _, m := range rpc.Methods() {
		subject := rpc.Prefix(s.config.Database) + m.Subject()
		if m.Target != rpc.Key {
			err = errors.Join(err, s.endpoint(service, m, "", subject))
		}
		if m.Target != rpc.Nothing {
			err = errors.Join(err, s.endpoint(service, m, "-of", subject+".>"))
		}
	}
	if err == nil {
		err = nc.Flush()
	}
	if err != nil {
		return errors.Join(err, service.Stop())
	}
	return nil
}

func (s *Service) endpoint(service micro.Service, m rpc.Method, suffix, subject string) error {
	name := strings.NewReplacer(".", "-").Replace(m.Subject()) + suffix
	return service.AddEndpoint(name, micro.HandlerFunc(func(r micro.Request) { s.handle(m, r) }),
		micro.WithEndpointSubject(subject), micro.WithEndpointMetadata(map[string]string{"method": m.Name}),
		micro.WithEndpointPendingLimits(pendingRequests, pendingBytes))
}

// stop ends the subscriptions.
func (s *Service) stop() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.service == nil {
		return nil
	}
	if err := s.service.Stop(); err != nil && !errors.Is(err, nats.ErrConnectionClosed) {
		return fmt.Errorf("natsservice: stop: %w", err)
	}
	if s.setter == nil {
		return nil
	}
	if err := s.setter.sub.Drain(); err != nil && !errors.Is(err, nats.ErrConnectionClosed) && !errors.Is(err, nats.ErrBadSubscription) {
		return fmt.Errorf("natsservice: stop taking values: %w", err)
	}
	return nil
}

// Drain takes no new requests, and returns when those that had arrived are answered, or
// when ctx ends. Call it before the context of Run ends.
func (s *Service) Drain(ctx context.Context) {
	if err := s.drain(ctx); err != nil && ctx.Err() == nil {
		s.config.Logger.Warn("natsservice: requests may be left without an answer", "error", err)
	}
}

func (s *Service) drain(ctx context.Context) error {
	if err := s.stop(); err != nil {
		return err
	}
	s.mu.Lock()
	nc, setter := s.nc, s.setter
	s.mu.Unlock()
	if nc == nil || !nc.IsConnected() {
		return nil // nothing arrives and no answer leaves
	}
	if err := flush(ctx, nc); err != nil { // the servers send no more requests
		return err
	}
	answered := make(chan struct{})
	if err := nc.Barrier(func() { // all handlers have run
		go func() {
			s.work.Wait()
			if setter != nil {
				setter.settled(ctx)
			}
			close(answered)
		}()
	}); err != nil {
		return err
	}
	select {
	case <-answered:
		return flush(ctx, nc)
	case <-ctx.Done():
		return ctx.Err()
	}
}

// flush waits until the servers have what was sent.
func flush(ctx context.Context, nc *nats.Conn) error {
	ctx, cancel := context.WithTimeout(ctx, flushTimeout)
	defer cancel()
	return nc.FlushWithContext(ctx)
}
