package main

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/aimdb-go/aimdb/aimx"
	"github.com/aimdb-go/aimdb/internal/doctor"
	"github.com/aimdb-go/aimdb/internal/tlsfile"
	aimdbserve "github.com/aimdb-go/aimdb/serve"
)

// doctorFlags say what the doctor looks at.
type doctorFlags struct {
	at          connection
	config, dir string
	quiet       bool
}

func newDoctor(env func(string) string) *cobra.Command {
	d := doctorFlags{at: connection{credentials: credentials{env: env}}}
	var f format
	c := &cobra.Command{
		Use:   "doctor [DIR]",
		Short: "Say what is wrong with a database, and what to do",
		Long: `Look at the directory of a database, at its settings, and at the running server, and say what
is wrong and what to do, one finding a line. Nothing is changed, and a server may run.

DIR or --dir has the directory looked at, --config the settings, their directory and the
server if it runs, --connect a server. Without any of them it is what aimdb serve would use
without flags, which a running server need not use. AIMDB_CONFIG and AIMDB_CONNECT stand for
the flags.

A problem loses values or keeps the database from its work. A warning will probably become
one, or is intended. The exit status is 1 if there is a problem, and 0 if there are only
warnings.`,
		Example: `  aimdb doctor
  aimdb doctor --config /etc/aimdb/aimdb.yaml --quiet
  aimdb doctor /var/lib/aimdb
  aimdb doctor --connect http://127.0.0.1:8080 --format json`,
		Args: argumentsFrom(0, "DIR"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := d.directory(args); err != nil {
				return err
			}
			all, err := d.look(cmd.Context(), env)
			if err != nil {
				return err
			}
			sick := slices.ContainsFunc(all, func(f doctor.Finding) bool { return f.Severity == doctor.Problem })
			if d.quiet {
				all = slices.DeleteFunc(all, func(f doctor.Finding) bool { return f.Severity == doctor.OK })
			}
			l := columns("SEVERITY", "CHECK", "WHERE", "FINDING")
			l.empty = "nothing is wrong"
			if err := printAll(cmd, f, l, each(all), findingCells); err != nil {
				return err
			}
			if sick {
				return exitStatus(exitFailed)
			}
			return nil
		},
	}
	d.at.flag(c)
	f.flag(c.Flags())
	c.Flags().StringVar(&d.config, "config", "", "file of the settings (default $AIMDB_CONFIG)")
	c.Flags().StringVar(&d.dir, "dir", "", "directory of the database, instead of that of the settings")
	c.Flags().BoolVar(&d.quiet, "quiet", false, "leave out what is as it should be")
	return c
}

// directory takes the directory that the argument names, if there is one.
func (d *doctorFlags) directory(args []string) error {
	switch {
	case len(args) == 0:
		return nil
	case isEndpoint(args[0]):
		return usageError{fmt.Errorf("%s is an endpoint, and doctor takes the directory of a database; give the endpoint with --connect", args[0])}
	case d.dir != "" && d.dir != args[0]:
		return usageError{fmt.Errorf("the argument %s and --dir %s name two directories; give one of them", args[0], d.dir)}
	}
	d.dir = args[0]
	return nil
}

func findingCells(f doctor.Finding) []any {
	text := f.Text
	if f.Do != "" {
		text += "; " + f.Do
	}
	return []any{string(f.Severity), f.Check, f.Where, text}
}

// look does all that was asked for.
func (d *doctorFlags) look(ctx context.Context, env func(string) string) (all []doctor.Finding, err error) {
	config, target := cmp.Or(d.config, env("AIMDB_CONFIG")), d.at.target()
	configured := config != "" || d.dir == "" && target == ""
	var settings *aimdbserve.Settings
	if configured || d.dir != "" {
		settings, err = d.load(config, env)
		if err != nil {
			all = doctor.Wrong(config, err)
		} else {
			if configured {
				if config == "" {
					all = doctor.Defaults()
				}
				all = append(all, doctor.Settings(settings, time.Now())...)
			}
			if settings.Dir != "" {
				all = append(all, doctor.Directory(ctx, doctor.PlaceOf(settings, time.Now()))...)
			}
		}
	}
	switch {
	case target != "":
		return d.server(ctx, all, target)
	case configured && settings != nil && len(settings.Gateways) > 0:
		return d.local(ctx, all, settings)
	}
	return all, nil
}

// load reads the settings as aimdb serve does.
func (d *doctorFlags) load(config string, env func(string) string) (*aimdbserve.Settings, error) {
	flags := pflag.NewFlagSet("", pflag.ContinueOnError)
	var s serveFlags
	s.addFlags(flags)
	s.config = config
	if d.dir != "" {
		if err := flags.Set("data", d.dir); err != nil {
			return nil, err
		}
	}
	return s.load(env)
}

// local asks the server of the settings, if it runs.
func (d *doctorFlags) local(ctx context.Context, all []doctor.Finding, s *aimdbserve.Settings) ([]doctor.Finding, error) {
	socket := s.Gateways[0]
	client, err := aimx.Dial(ctx, socket) // a token is for the web server
	if err != nil {
		return append(all, doctor.Finding{Severity: doctor.OK, Check: "server", Where: socket, Text: "no server answers there"}), nil
	}
	defer func() { _ = client.Close() }() // it has answered
	all = append(all, doctor.Server(ctx, client, time.Now())...)
	if s.HTTP == "" {
		return all, nil
	}
	scheme := "http://"
	if s.TLS.CertFile != "" {
		scheme = "https://"
	}
	address := s.HTTP
	if strings.HasPrefix(address, ":") {
		address = "127.0.0.1" + address
	}
	return d.health(ctx, all, scheme+strings.Replace(address, "0.0.0.0", "127.0.0.1", 1))
}

// server asks a server at an endpoint.
func (d *doctorFlags) server(ctx context.Context, all []doctor.Finding, target string) ([]doctor.Finding, error) {
	client, err := dialed(ctx, target, &d.at.credentials)
	if usage := (usageError{}); errors.As(err, &usage) {
		return nil, err
	}
	if err != nil {
		return append(all, doctor.Unreachable(target, err)...), nil
	}
	defer func() { _ = client.Close() }() // it has answered
	all = append(all, doctor.Server(ctx, client, time.Now())...)
	scheme, rest, _ := strings.Cut(target, "://")
	host, _, _ := strings.Cut(rest, "/")
	switch scheme {
	case "http", "ws":
		return d.health(ctx, all, "http://"+host)
	case "https", "wss":
		return d.health(ctx, all, "https://"+host)
	}
	return all, nil
}

// health asks a web server for the troubles of its database.
func (d *doctorFlags) health(ctx context.Context, all []doctor.Finding, base string) ([]doctor.Finding, error) {
	var config *tls.Config
	if d.at.ca != "" {
		var err error
		if config, err = tlsfile.Client(d.at.ca); err != nil {
			return all, err
		}
	}
	transport := &http.Transport{TLSClientConfig: config, DisableKeepAlives: true}
	client := &http.Client{Transport: transport}
	return append(all, doctor.Health(ctx, client, base, cmp.Or(d.at.token, d.at.env("AIMDB_TOKEN")), time.Now)...), nil
}
