package main

import (
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	embedded "github.com/aimdb-go/aimdb"
	"github.com/aimdb-go/aimdb/examples/weather"
)

func newDemo() *cobra.Command {
	var o weather.Options
	var log outsideLog
	var listen listenFlags
	c := &cobra.Command{
		Use:   "demo",
		Short: "Run the weather hub: forecasts meet what was observed",
		Long: `Run the weather hub. Its page shows how good forecasts were, from history and
live. Without --observations it plays real daily temperatures of Seattle and
New York, 2012 to 2015. On a directory that it has used before, it continues
where it ended. "" or off turns a listener off. Ctrl-C ends it.

` + tokensHelp,
		Example: `  aimdb demo                          # then open http://127.0.0.1:8080
  aimdb demo --pace 50ms              # four times as fast
  aimdb demo --steps 0                # serve what history holds, produce nothing
  aimdb demo --pace 0 --steps 200     # 200 steps as fast as they are stored
  aimdb demo --http off --nats off --aimx /tmp/a.sock --aimx /tmp/b.sock
  aimdb demo --nats-url nats://127.0.0.1:4222  # keep the log on a server that runs elsewhere
  aimdb demo --tcp 0.0.0.0:7433 --tokens tokens.txt --tls-cert hub.pem --tls-key hub.key
  aimdb demo --observations observations.csv --forecasts forecasts.csv`,
		Args: arguments(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			switch {
			case o.Pace < 0:
				return usageError{errors.New("--pace cannot be negative; 0 is as fast as everything is stored")}
			case o.Forecasts != "" && o.Observations == "":
				return usageError{errors.New("--forecasts needs --observations, the values they are forecasts of")}
			}
			var err error
			if o.Log, err = log.cluster(); err != nil {
				return err
			}
			if o.Log != nil && !cmd.Flags().Changed("nats") {
				o.NATS = "off" // there is no server of this process
			}
			o.Out = cmd.OutOrStdout()
			o.Logger = slog.New(slog.NewTextHandler(cmd.ErrOrStderr(), nil))
			web := o.HTTP
			if web == "off" {
				web = ""
			}
			if err := listen.check(web); err != nil {
				return err
			}
			if o.Tokens, err = listen.tokens(o.Logger); err != nil {
				return err
			}
			o.TCP, o.TLS = listen.tcp, embedded.TLSFiles{CertFile: listen.cert, KeyFile: listen.key}
			return nameFlag(weather.Run(cmd.Context(), o), o)
		},
	}
	f := c.Flags()
	f.StringVar(&o.DataDir, "data-dir", "./aimdb-data", "directory of the history and the log")
	f.StringVar(&o.HTTP, "http", "127.0.0.1:8080", "address of the page")
	f.StringArrayVar(&o.AimX, "aimx", []string{defaultEndpoint}, "endpoint of the gateway: a path is a unix socket (may be repeated)")
	f.StringVar(&o.NATS, "nats", "127.0.0.1:4222", "address for NATS clients")
	listen.addFlags(f)
	log.addFlags(f)
	f.StringVar(&o.Observations, "observations", "", "CSV file of hourly temperatures, instead of the built-in days")
	f.StringVar(&o.Forecasts, "forecasts", "", "CSV file of archived forecasts for the observations")
	f.DurationVar(&o.Pace, "pace", 200*time.Millisecond, "wall time of one step of the data; 0 is as fast as everything is stored")
	f.IntVar(&o.Steps, "steps", -1, "produce that many steps and then only serve; -1 produces all of the data")
	return c
}

// nameFlag adds the flag to an error that names what the flag gives, such as a port that
// another process has.
func nameFlag(err error, o weather.Options) error {
	if err == nil {
		return nil
	}
	given := [][2]string{{"--http", o.HTTP}, {"--tcp", o.TCP}, {"--nats", o.NATS}}
	for _, path := range o.AimX {
		given = append(given, [2]string{"--aimx", path})
	}
	for _, one := range append(given, [2]string{"--data-dir", filepath.Clean(o.DataDir)}) {
		if len(one[1]) > 1 && strings.Contains(err.Error(), one[1]) {
			return fmt.Errorf("%w (flag %s)", err, one[0])
		}
	}
	return err
}
