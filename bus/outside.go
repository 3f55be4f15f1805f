package bus

import (
	"errors"
	"fmt"

	"github.com/nats-io/nats-server/v2/server"
)

// outsideAccount is where clients from outside live. Permissions on subjects
// alone would not hold them: whoever asks names the subject of the answer, and
// the server answers there in its own name, so that in one account with the
// log an answer could be sent into the log, or to the API. In an account of
// their own, answers stay among them, and of the inside there is only what is
// exported here.
const outsideAccount = "AIMDB_OUTSIDE"

// doors are the services and streams that the outside sees.
type doors struct {
	// streams can be subscribed to; singles are answered once, flows many
	// times.
	streams, singles, flows []string
}

func doorsOf(s subjects) doors {
	stream := streamName(s.database)
	return doors{
		streams: []string{s.all(logKind), s.all(liveKind), s.all(lossKind)},
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

// openOutside makes the account for clients from outside. Their requests for
// consumers arrive inside at the guard's subject; those of the process's own
// connections, which are in the inside account, go to the stream itself.
func openOutside(s *server.Server, database string) (*server.Account, error) {
	inside := s.GlobalAccount()
	outside, err := s.RegisterAccount(outsideAccount)
	if err != nil {
		return nil, fmt.Errorf("bus: make the account for clients from outside: %w", err)
	}
	toGuard := guardSubject(database) + ">"
	err = errors.Join(
		inside.AddServiceExport(toGuard, nil),
		outside.AddServiceImport(inside, creations(database), toGuard))
	d := doorsOf(subjects{database})
	for _, subject := range d.streams {
		err = errors.Join(err, inside.AddStreamExport(subject, nil), outside.AddStreamImport(inside, subject, ""))
	}
	for _, subject := range d.singles {
		err = errors.Join(err, inside.AddServiceExport(subject, nil), outside.AddServiceImport(inside, subject, subject))
	}
	for _, subject := range d.flows {
		err = errors.Join(err, inside.AddServiceExportWithResponse(subject, server.Streamed, nil), outside.AddServiceImport(inside, subject, subject))
	}
	if err != nil {
		return nil, fmt.Errorf("bus: open the log to clients from outside: %w", err)
	}
	return outside, nil
}

// outsideRights lets a client use the doors and hear its own answers. It may
// not list consumers, nor hear of them: what it cannot name it cannot disturb,
// and the names of the sinks' consumers are secrets of 96 bits, made anew at
// each start. Its own, whose names it chose, it may delete.
func outsideRights(s subjects) *server.Permissions {
	d := doorsOf(s)
	return &server.Permissions{
		Publish: &server.SubjectPermission{Allow: append(append(d.singles, d.flows...), creations(s.database))},
		Subscribe: &server.SubjectPermission{Allow: append(d.streams,
			// A pattern over databases or kinds shows only what the account
			// imports: the streams of this database.
			"aimdb.*.*.>", "_INBOX.>")},
	}
}
