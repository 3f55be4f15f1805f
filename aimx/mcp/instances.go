package mcp

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/aimdb-go/aimdb/aimx"
)

const (
	// discoveryTimeout bounds the greeting of one socket, as in upstream.
	discoveryTimeout = 500 * time.Millisecond
	// maxDiscovered bounds the sockets that are greeted, greetings those at a time.
	maxDiscovered = 64
	greetings     = 8
)

// instance is a running database.
type instance struct {
	Endpoint         string   `json:"endpoint" jsonschema:"the endpoint, as other tools take it"`
	Server           string   `json:"server_version" jsonschema:"what the server calls itself"`
	Protocol         string   `json:"protocol_version" jsonschema:"the version of AimX"`
	Permissions      []string `json:"permissions"`
	Writable         []string `json:"writable_records" jsonschema:"the records that the database lets this client set"`
	MaxSubscriptions int      `json:"max_subscriptions,omitempty"`
	Authenticated    bool     `json:"authenticated"`
}

type instancesAnswer struct {
	Instances []instance `json:"instances"`
	rest
	Silent int    `json:"silent_sockets,omitempty" jsonschema:"sockets that were found and did not answer as a database"`
	Hint   string `json:"hint,omitempty"`
}

type nothing struct{}

func (s *Server) addInstanceTools() {
	addTool(s, tool{name: "discover_instances", title: "Find running databases",
		description: "Find running AimDB databases: the configured endpoints, and sockets that end in .sock in " + strings.Join(s.config.SocketDirs, " and ") + "."},
		func(ctx context.Context, _ nothing) (instancesAnswer, error) { return s.discover(ctx), nil })
	addTool(s, tool{name: "get_instance_info", title: "Describe a database",
		description: "Describe one running database: its version, and what this client may do."}, s.instanceInfo)
}

func (s *Server) instanceInfo(ctx context.Context, in at) (instance, error) {
	t, err := s.target(in)
	if err != nil {
		return instance{}, err
	}
	var info aimx.Info
	err = s.ask(ctx, in, func(c *aimx.Client) (err error) {
		info, err = c.Info(ctx)
		return err
	})
	return describe(t.name, info), err
}

func describe(endpoint string, info aimx.Info) instance {
	return instance{
		Endpoint: endpoint, Server: info.Server, Protocol: info.Version, MaxSubscriptions: info.MaxSubscriptions,
		Permissions: notNil(info.Permissions), Writable: notNil(info.WritableRecords), Authenticated: info.Authenticated,
	}
}

func notNil[T any](list []T) []T { return append([]T{}, list...) }

// discover greets all endpoints that are known or found, some at a time.
func (s *Server) discover(ctx context.Context) instancesAnswer {
	targets := s.discoverable()
	found := make([]*instance, len(targets))
	var all sync.WaitGroup
	free := make(chan struct{}, greetings)
	for i, t := range targets {
		all.Go(func() {
			free <- struct{}{}
			found[i] = greet(ctx, t)
			<-free
		})
	}
	all.Wait()
	var answer instancesAnswer
	var instances []instance
	for _, one := range found {
		if one == nil {
			answer.Silent++
			continue
		}
		instances = append(instances, *one)
	}
	answer.Instances, answer.rest = part(s.config.AnswerBytes, instances, cursor{}, 0)
	answer.NextCursor = "" // this tool takes none
	if len(instances) == 0 {
		answer.Hint = "no database answers; start one, or name its endpoint"
	}
	return answer
}

// discoverable returns what to greet: each endpoint once.
func (s *Server) discoverable() []target {
	var targets []target
	add := func(t target) {
		if len(targets) < maxDiscovered && !slices.ContainsFunc(targets, func(other target) bool { return t.name == other.name }) {
			targets = append(targets, t)
		}
	}
	for _, t := range s.known {
		add(t)
	}
	for _, dir := range s.config.SocketDirs {
		entries, err := os.ReadDir(dir)
		if err != nil {
			continue // a directory that does not exist has no sockets
		}
		for _, entry := range entries {
			if strings.HasSuffix(entry.Name(), ".sock") {
				if name, address, err := namesOf("unix://" + filepath.Join(dir, entry.Name())); err == nil {
					add(target{name, address, dial})
				}
			}
		}
	}
	return targets
}

// greet returns the description of a database, and nil if none answers.
func greet(ctx context.Context, t target) *instance {
	ctx, cancel := context.WithTimeout(ctx, discoveryTimeout)
	defer cancel()
	c, err := t.open(ctx, t.address)
	if err != nil {
		return nil
	}
	defer func() { _ = c.Close() }() // always nil
	info, err := c.Info(ctx)
	if err != nil {
		return nil
	}
	one := describe(t.name, info)
	return &one
}
