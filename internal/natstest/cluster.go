package natstest

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

// Cluster is a cluster of three servers.
type Cluster struct {
	Servers []*Server
	t       testing.TB
}

// StartCluster starts three servers, and waits until they have JetStream.
func StartCluster(t testing.TB, o Options) *Cluster {
	t.Helper()
	c := &Cluster{t: t}
	var routes []string
	for i := range 3 {
		s := newServer(t, fmt.Sprintf("n%d", i+1), o)
		s.routePort = freePort(t)
		routes = append(routes, fmt.Sprintf("\"nats://127.0.0.1:%d\"", s.routePort))
		c.Servers = append(c.Servers, s)
	}
	for _, s := range c.Servers {
		s.routes = routes
		s.Restart()
	}
	c.AwaitJetStream()
	return c
}

// URLs returns those of all servers.
func (c *Cluster) URLs() (urls []string) {
	for _, s := range c.Servers {
		urls = append(urls, s.URL)
	}
	return urls
}

// AwaitJetStream waits until all servers answer requests to JetStream.
func (c *Cluster) AwaitJetStream() {
	c.t.Helper()
	for _, s := range c.Servers {
		s.AwaitJetStream()
	}
}

// Leader returns the server that leads a stream, and waits until there is one.
func (c *Cluster) Leader(stream string) *Server {
	c.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), startTimeout)
	defer cancel()
	for ctx.Err() == nil {
		for _, s := range c.Servers {
			if leader := c.askLeader(ctx, s, stream); leader != nil {
				return leader
			}
		}
		select {
		case <-time.After(50 * time.Millisecond):
		case <-ctx.Done():
		}
	}
	c.t.Fatalf("stream %s has no leader", stream)
	return nil
}

func (c *Cluster) askLeader(ctx context.Context, by *Server, stream string) *Server {
	nc, err := by.dial()
	if err != nil {
		return nil
	}
	defer nc.Close()
	js, err := jetstream.New(nc)
	if err != nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	found, err := js.Stream(ctx, stream)
	if err != nil || found.CachedInfo().Cluster == nil {
		return nil
	}
	for _, s := range c.Servers {
		if s.Name == found.CachedInfo().Cluster.Leader {
			return s
		}
	}
	return nil
}
