package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"time"

	"github.com/aimdb-go/aimdb/aimx"
	"github.com/aimdb-go/aimdb/contrib/prometheus/internal/series"
	"github.com/aimdb-go/aimdb/contrib/prometheus/internal/source"
	"github.com/aimdb-go/aimdb/internal/buildtext"
	"github.com/aimdb-go/aimdb/internal/tlsfile"
	"github.com/aimdb-go/aimdb/sinks/sqlite"
)

// usageError is an error of what was asked for.
type usageError struct{ error }

// Unwrap returns the cause.
func (e usageError) Unwrap() error { return e.error }

// settings are the flags.
type settings struct {
	metrics, connect, history, listen string
	token, ca                         string
	tokens, cert, key                 string
	lookback, timeout                 time.Duration
	samples, queries                  int
}

// parse reads the flags. It prints their description or the version to out if
// asked, and then fails with flag.ErrHelp.
func parse(args []string, env func(string) string, out io.Writer) (s settings, err error) {
	flags := flag.NewFlagSet("aimdb-prometheus", flag.ContinueOnError)
	flags.SetOutput(out)
	flags.StringVar(&s.metrics, "metrics", "", "YAML `file` that declares the metrics")
	flags.StringVar(&s.connect, "connect", env("AIMDB_CONNECT"), "`endpoint` of a database that runs (default $AIMDB_CONNECT)")
	flags.StringVar(&s.history, "history", "", "SQLite `file` of a history, instead of -connect; a database may run on it")
	flags.StringVar(&s.listen, "listen", "127.0.0.1:9201", "`address` to serve on; port 0 takes a free one")
	flags.StringVar(&s.tokens, "tokens", "", "YAML `file` of tokens that clients present; an address that is not loopback needs it, and TLS")
	flags.StringVar(&s.cert, "tls-cert", "", "PEM `file` of the certificate to serve TLS with")
	flags.StringVar(&s.key, "tls-key", "", "PEM `file` of its key")
	flags.StringVar(&s.ca, "ca", "", "`file` of certificates that the database's is checked with (default: those of the system)")
	flags.DurationVar(&s.lookback, "lookback", 5*time.Minute, "how long the last sample of a series counts; take more if values come more rarely")
	flags.DurationVar(&s.timeout, "timeout", 2*time.Minute, "how long a query may take")
	flags.IntVar(&s.samples, "max-samples", 5_000_000, "rows that one query may read, and samples that it may hold, of 16 bytes each")
	flags.IntVar(&s.queries, "max-queries", 20, "queries that run at once; others wait")
	version := flags.Bool("version", false, "print version, commit and Go version")
	flags.Usage = func() {
		fmt.Fprintln(out, "Usage: aimdb-prometheus -metrics FILE (-connect ENDPOINT | -history FILE)\nThe token for the database is in $AIMDB_TOKEN, which other users of this machine cannot see.")
		flags.PrintDefaults()
	}
	if err := flags.Parse(args); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			return s, err
		}
		return s, usageError{err}
	}
	if *version {
		fmt.Fprintln(out, "aimdb-prometheus version", buildtext.Own())
		return s, flag.ErrHelp
	}
	if flags.NArg() > 0 {
		return s, usageError{fmt.Errorf("%q is not a flag; see -help", flags.Arg(0))}
	}
	s.token = env("AIMDB_TOKEN")
	return s, s.check()
}

func (s *settings) check() error {
	switch {
	case s.metrics == "":
		return usageError{errors.New("-metrics is missing; give the file that declares the metrics")}
	case s.connect == "" && s.history == "":
		return usageError{errors.New("give -connect with the endpoint of a database, or -history with a file")}
	case s.lookback < time.Millisecond || s.timeout <= 0 || s.samples <= 0 || s.queries <= 0:
		return usageError{errors.New("-lookback, -timeout, -max-samples and -max-queries must be above 0")}
	}
	return nil
}

// openHistory is a source that must be closed.
type openHistory interface {
	series.Source
	io.Closer
}

// open opens the history. A file goes before an endpoint, which the environment may name.
func (s *settings) open() (openHistory, error) {
	if s.history != "" {
		return sqlite.OpenReadOnly(s.history)
	}
	var options []aimx.DialOption
	if s.token != "" {
		options = append(options, aimx.Token(s.token))
	}
	if s.ca != "" {
		config, err := tlsfile.Client(s.ca)
		if err != nil {
			return nil, usageError{fmt.Errorf("-ca: %w", err)}
		}
		options = append(options, aimx.TLS(config))
	}
	return source.NewAimX(s.connect, options...)
}
