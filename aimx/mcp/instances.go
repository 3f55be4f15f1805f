package mcp

import (
	"context"
	"slices"
	"strings"
	"sync"

	"github.com/aimdb-go/aimdb/aimx"
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
	Silent  int    `json:"silent_sockets,omitempty" jsonschema:"sockets that were found and did not answer as a database"`
	Foreign int    `json:"foreign_sockets,omitempty" jsonschema:"sockets of other users, which were not asked; name one as endpoint if the user trusts it"`
	Hint    string `json:"hint,omitempty"`
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

// discover greets the configured endpoints, and looks for others in the directories.
func (s *Server) discover(ctx context.Context) instancesAnswer {
	greeted := make([]*instance, len(s.known))
	var all sync.WaitGroup
	for i, t := range s.known {
		all.Go(func() { greeted[i] = greet(ctx, t) })
	}
	found, err := aimx.Discover(ctx, s.config.SocketDirs...)
	all.Wait()
	var answer instancesAnswer
	var instances []instance
	for _, one := range greeted {
		if one != nil {
			instances = append(instances, *one)
		} else {
			answer.Silent++
		}
	}
	for _, i := range found {
		switch {
		case slices.ContainsFunc(s.known, func(t target) bool { return t.name == i.Endpoint }):
		case i.State == aimx.Answers:
			instances = append(instances, describe(i.Endpoint, i.Info))
		case i.State == aimx.Foreign:
			answer.Foreign++
		default:
			answer.Silent++
		}
	}
	answer.Instances, answer.rest = part(s.config.AnswerBytes, instances, cursor{}, 0)
	answer.NextCursor = "" // this tool takes none
	if err != nil {
		answer.Hint = err.Error()
	} else if len(instances) == 0 {
		answer.Hint = "no database answers; start one, or name its endpoint"
	}
	return answer
}

// greet returns the description of a database, and nil if none answers.
func greet(ctx context.Context, t target) *instance {
	ctx, cancel := context.WithTimeout(ctx, aimx.DiscoverTimeout)
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
