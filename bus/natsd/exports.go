package natsd

import (
	"errors"
	"fmt"
	"slices"

	"github.com/nats-io/nats-server/v2/server"
)

// outsideAccount is the account of clients from outside. Permissions on subjects
// alone would not confine them: a request names the subject of its reply, and the
// server replies there in its own name. In one account with the log, a reply
// could be sent into the log or to the API. In an account of their own, replies
// stay there, and of the inside account it sees only what is exported here.
const outsideAccount = "AIMDB_OUTSIDE"

// service is a part of the inside account's API that the outside account imports.
type service struct {
	// subject is what clients publish to, target where it goes: to the same subject
	// or to the guard.
	subject, target string
	replies         server.ServiceRespType
}

func servicesOf(c Config) []service {
	stream := c.Stream
	var all []service
	add := func(subject, target string) { all = append(all, service{subject, target, server.Singleton}) }
	for _, subject := range []string{
		"$JS.API.INFO", "$JS.API.STREAM.NAMES", "$JS.API.STREAM.LIST",
		"$JS.API.CONSUMER.INFO." + stream + ".*", "$JS.API.CONSUMER.DELETE." + stream + ".*",
		"$JS.ACK." + stream + ".>",
	} {
		add(subject, subject)
	}
	add(createAPI+stream+".>", guardSubject(stream, "create.>"))
	add(infoAPI+stream, guardSubject(stream, "info"))
	add(getAPI+stream, guardSubject(stream, "get"))
	add(directAPI+stream, guardSubject(stream, "direct"))
	add(directAPI+stream+".>", guardSubject(stream, "last.>"))
	for _, subject := range c.Requests {
		add(subject, subject)
	}
	next := "$JS.API.CONSUMER.MSG.NEXT." + stream + ".*"
	return append(all, service{next, next, server.Streamed})
}

// openOutsideAccount creates the account for clients from outside. Of the stream
// subjects it imports only Config.Subjects, so that a subscription with wildcards
// receives nothing else.
func openOutsideAccount(s *server.Server, c Config) (*server.Account, error) {
	inside := s.GlobalAccount()
	outside, err := s.RegisterAccount(outsideAccount)
	if err != nil {
		return nil, fmt.Errorf("natsd: create the account for clients from outside: %w", err)
	}
	for _, subject := range c.Subjects {
		err = errors.Join(err, inside.AddStreamExport(subject, nil), outside.AddStreamImport(inside, subject, ""))
	}
	for _, a := range servicesOf(c) {
		err = errors.Join(err, inside.AddServiceExportWithResponse(a.target, a.replies, nil), outside.AddServiceImport(inside, a.subject, a.target))
	}
	if err != nil {
		return nil, fmt.Errorf("natsd: open the log to clients from outside: %w", err)
	}
	return outside, nil
}

// outsidePermissions allow a client the services and its own replies. It may delete its
// own consumers, but cannot list consumers or receive events about them. It cannot
// disturb a consumer that it cannot name, and the names of the process's consumers are
// secrets of 96 bits, new at each start.
func outsidePermissions(c Config) *server.Permissions {
	var requests []string
	for _, a := range servicesOf(c) {
		requests = append(requests, a.subject)
	}
	return &server.Permissions{
		Publish: &server.SubjectPermission{Allow: requests},
		Subscribe: &server.SubjectPermission{Allow: append(slices.Clone(c.Subjects),
			// A pattern over databases or kinds matches only what the account
			// imports.
			"aimdb.*.*.>", "_INBOX.>"),
			// Who subscribed to requests would read, and take, those of other clients.
			Deny: c.Requests},
	}
}
