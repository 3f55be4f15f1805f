package natsconn

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"regexp"

	"github.com/nats-io/nats.go"

	"github.com/aimdb-go/aimdb/aimx"
	"github.com/aimdb-go/aimdb/aimx/internal/rpc"
	"github.com/aimdb-go/aimdb/aimx/internal/wire"
)

// Dial returns a client of the database with a name. It fails with an
// [*aimx.ConnectionError] if no database of that name answers. It takes at most 5 seconds
// if ctx has no earlier deadline.
func Dial(ctx context.Context, nc *nats.Conn, database string) (*aimx.Client, error) {
	return dial(ctx, nc, database, false)
}

// Connect is Dial over a connection of its own to the NATS servers at url, which ends with
// the client.
func Connect(ctx context.Context, url, database string, options ...nats.Option) (*aimx.Client, error) {
	nc, err := nats.Connect(url, options...)
	if err != nil {
		return nil, &aimx.ConnectionError{Endpoint: database + " over NATS", Advice: advice(err), Err: err}
	}
	client, err := dial(ctx, nc, database, true)
	if err != nil {
		nc.Close()
	}
	return client, err
}

// advice says what a user can do about NATS servers that cannot be reached.
func advice(err error) string {
	var unknown *tls.CertificateVerificationError
	switch {
	case errors.As(err, &unknown):
		return "the certificate of the server is not trusted for this host; give the CA that has signed it"
	case errors.Is(err, nats.ErrAuthorization):
		return "give a user and password, or a token"
	case errors.Is(err, nats.ErrNoServers):
		return "no NATS server answers there; start it, or give the address of one that runs"
	}
	return "check that a NATS server runs there, and whether it speaks TLS"
}

func dial(ctx context.Context, nc *nats.Conn, database string, owned bool) (*aimx.Client, error) {
	if !regexp.MustCompile(`^[A-Za-z0-9_-]{1,64}$`).MatchString(database) {
		return nil, fmt.Errorf("natsconn: the name %q is not one of a database: it has 1 to 64 letters, digits, '_' and '-'", database)
	}
	address := nc.ConnectedUrlRedacted() + "/" + database
	return aimx.DialOver(ctx, address, func(ctx context.Context) (aimx.Conn, error) {
		c, err := open(nc, database, owned)
		if err != nil {
			return nil, &aimx.ConnectionError{Endpoint: address, Advice: "check the permissions of the user: it needs its inboxes", Err: err}
		}
		_, err = c.request(ctx, wire.MethodHello, "", nil)
		var refused *aimx.Refusal
		if errors.As(err, &refused) && refused.Code == aimx.CodeDenied {
			// Who may get a record may not necessarily greet.
			if _, err = c.ask(ctx, "$SRV.PING."+rpc.ServiceName(database), nil); errors.As(err, &refused) {
				err = nil
			}
		}
		if err != nil {
			err = &aimx.ConnectionError{Endpoint: address, Advice: "start the database, or give the name of one that runs; nats micro ls shows those that do", Err: err}
			return nil, errors.Join(err, c.Close())
		}
		return c, nil
	})
}
