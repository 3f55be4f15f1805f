package weather

import (
	"io"
	"log/slog"
	"time"

	"github.com/aimdb-go/aimdb"
)

// Options configure a hub. An empty address or the word "off" turns a listener
// off.
type Options struct {
	// DataDir is the directory of the history and the log. It is created if it
	// does not exist.
	DataDir string
	// HTTP is the address of the page, as host:port.
	HTTP string
	// AimX are the endpoints of the gateway: a path is a unix socket.
	AimX []string
	// TCP is the address that serves AimX over TCP, as host:port.
	TCP string
	// TLS encrypts HTTP and TCP. Tokens, if there are any, are what AimX clients over
	// them must present; the page is served without one, and its values are not.
	TLS    aimdb.TLSFiles
	Tokens []aimdb.Token
	// NATS is the address for NATS clients from outside, as host:port.
	NATS string
	// Log has the NATS servers that keep the log, nil for one in the data directory.
	Log *aimdb.Cluster
	// Observations is a CSV file of temperatures. Empty means the built-in data.
	Observations string
	// Forecasts is a CSV file of archived forecasts for the observations.
	Forecasts string
	// Pace is the wall time of one step of the data. 0 is as fast as values can
	// be stored; nothing is lost.
	Pace time.Duration
	// Steps is the number of steps that are produced. After them the hub only
	// serves. 0 serves history alone, a negative number produces all of the data.
	Steps int
	// Out takes the addresses and the progress of the hub as text; nil discards
	// it.
	Out io.Writer
	// Logger takes warnings and errors; nil discards them.
	Logger *slog.Logger
	// Started, if set, is called with the addresses once all listeners are up.
	Started func(aimdb.Addresses)
}
