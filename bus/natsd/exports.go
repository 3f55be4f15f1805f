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

// exports are the services and streams that the outside account imports.
type exports struct {
	// streams are subjects that clients subscribe to. singles are services with one
	// reply, flows services with several.
	streams, singles, flows []string
}

func exportsOf(c Config) exports {
	stream := c.Stream
	return exports{
		streams: slices.Clone(c.Subjects),
		singles: []string{
			"$JS.API.INFO", "$JS.API.STREAM.NAMES", "$JS.API.STREAM.LIST",
			"$JS.API.STREAM.INFO." + stream, "$JS.API.STREAM.MSG.GET." + stream,
			"$JS.API.CONSUMER.INFO." + stream + ".*", "$JS.API.CONSUMER.DELETE." + stream + ".*",
			"$JS.ACK." + stream + ".>",
		},
		flows: []string{
			"$JS.API.DIRECT.GET." + stream, "$JS.API.DIRECT.GET." + stream + ".>",
			"$JS.API.CONSUMER.MSG.NEXT." + stream + ".*",
		},
	}
}

// openOutsideAccount creates the account for clients from outside. Their requests
// for consumers reach the guard. Those of the process's own connections, which are
// in the inside account, reach the stream.
func openOutsideAccount(s *server.Server, c Config) (*server.Account, error) {
	inside := s.GlobalAccount()
	outside, err := s.RegisterAccount(outsideAccount)
	if err != nil {
		return nil, fmt.Errorf("natsd: create the account for clients from outside: %w", err)
	}
	toGuard := guardSubject(c.Stream) + ">"
	err = errors.Join(
		inside.AddServiceExport(toGuard, nil),
		outside.AddServiceImport(inside, createSubjects(c.Stream), toGuard))
	e := exportsOf(c)
	for _, subject := range e.streams {
		err = errors.Join(err, inside.AddStreamExport(subject, nil), outside.AddStreamImport(inside, subject, ""))
	}
	for _, subject := range e.singles {
		err = errors.Join(err, inside.AddServiceExport(subject, nil), outside.AddServiceImport(inside, subject, subject))
	}
	for _, subject := range e.flows {
		err = errors.Join(err, inside.AddServiceExportWithResponse(subject, server.Streamed, nil), outside.AddServiceImport(inside, subject, subject))
	}
	if err != nil {
		return nil, fmt.Errorf("natsd: open the log to clients from outside: %w", err)
	}
	return outside, nil
}

// outsidePermissions allow a client the exports and its own replies. It may delete its
// own consumers, but cannot list consumers or receive events about them. It cannot
// disturb a consumer that it cannot name, and the names of the process's consumers are
// secrets of 96 bits, new at each start.
func outsidePermissions(c Config) *server.Permissions {
	e := exportsOf(c)
	return &server.Permissions{
		Publish: &server.SubjectPermission{Allow: append(append(e.singles, e.flows...), createSubjects(c.Stream))},
		Subscribe: &server.SubjectPermission{Allow: append(e.streams,
			// A pattern over databases or kinds matches only what the account
			// imports: the streams of this database.
			"aimdb.*.*.>", "_INBOX.>")},
	}
}
