package weather

import (
	"io"
	"log/slog"
	"time"

	"github.com/aimdb-go/aimdb"
)

// Options say what a hub reads, where it keeps its history and who can reach
// it. An empty address or the word "off" turns a listener off.
type Options struct {
	// DataDir is the directory of the history and the log. It is created
	// when it does not exist.
	DataDir string
	// HTTP is the address of the page, as host:port.
	HTTP string
	// AimX are the endpoints of the gateway: a path is a unix socket.
	AimX []string
	// NATS is the address for NATS clients from outside, as host:port.
	NATS string
	// Observations is a CSV file of temperatures; empty is the built-in data.
	Observations string
	// Forecasts is a CSV file of archived forecasts for the observations.
	Forecasts string
	// Pace is the wall time of one step of the data. 0 is as fast as
	// everything is stored, with nothing lost.
	Pace time.Duration
	// Steps is how many steps are produced before the hub only serves:
	// 0 serves history alone, a negative number goes on to the data's end.
	Steps int
	// Out is where the hub says what listens where; nil says nothing.
	Out io.Writer
	// Logger takes what goes wrong; nil discards it.
	Logger *slog.Logger
	// Started, if set, is called once everything listens, with the addresses.
	Started func(aimdb.Addresses)
}
