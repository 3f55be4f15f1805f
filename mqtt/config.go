package mqtt

import (
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"time"
)

// Config configures a Server. The zero Config is usable.
type Config struct {
	// TLS, if it is set, encrypts the connections of all listeners.
	TLS *tls.Config
	// Limits bound what clients take.
	Limits Limits
	// Logger gets what is refused. Nil discards it.
	Logger *slog.Logger
}

// Limits bound what clients take. A field that is 0 has its default.
type Limits struct {
	// Clients is how many may be connected, 10,000 by default.
	Clients int `json:"clients,omitempty"`
	// PacketBytes is the largest packet, 256 KiB by default.
	PacketBytes int `json:"packet_bytes,omitempty"`
	// InFlight is how many messages of QoS 1 and 2 of one client may wait for the log, and
	// how many for the client: 1,024 by default. A client of MQTT 5 is told.
	InFlight int `json:"in_flight,omitempty"`
	// Subscriptions is how many filters a client may subscribe to, 100 by default.
	Subscriptions int `json:"subscriptions,omitempty"`
	// Sessions is how many sessions of clients that are not connected are kept, 1,000 by
	// default, and SessionExpiry for how long at most, an hour by default.
	Sessions      int           `json:"sessions,omitempty"`
	SessionExpiry time.Duration `json:"session_expiry,omitempty"`
	// ConnectTimeout is how long a client may take from the connection to the end of its
	// CONNECT, and WriteTimeout how long to take what is sent to it: ten seconds by default.
	ConnectTimeout time.Duration `json:"connect_timeout,omitempty"`
	WriteTimeout   time.Duration `json:"write_timeout,omitempty"`
	// DrainTimeout is how long a server that stops waits for the log to have the messages that
	// it took, to acknowledge them: two seconds by default.
	DrainTimeout time.Duration `json:"drain_timeout,omitempty"`
}

// Check returns an error if a limit cannot be kept.
func (l Limits) Check() error {
	var errs []error
	refuse := func(wrong bool, format string, args ...any) {
		if wrong {
			errs = append(errs, fmt.Errorf("limits of MQTT clients: "+format, args...))
		}
	}
	refuse(l.Clients < 0 || l.Subscriptions < 0 || l.Sessions < 0, "%d clients, %d subscriptions and %d sessions: give positive numbers, or 0 for the default", l.Clients, l.Subscriptions, l.Sessions)
	refuse(l.PacketBytes < 0 || l.PacketBytes > maxPacket, "packets of %d bytes: MQTT has 1 to %d", l.PacketBytes, maxPacket)
	refuse(l.InFlight < 0 || l.InFlight > math.MaxUint16, "%d messages in flight: MQTT has 1 to %d", l.InFlight, math.MaxUint16)
	refuse(l.SessionExpiry < 0 || l.SessionExpiry >= math.MaxUint32*time.Second, "a session cannot expire after %v", l.SessionExpiry)
	refuse(l.ConnectTimeout < 0 || l.WriteTimeout < 0 || l.DrainTimeout < 0, "timeouts of %v, %v and %v leave no time; give positive ones, or 0 for the default", l.ConnectTimeout, l.WriteTimeout, l.DrainTimeout)
	return errors.Join(errs...)
}

// maxPacket is the largest remaining length of MQTT.
const maxPacket = 268_435_455

func (c Config) withDefaults() Config {
	l := &c.Limits
	setDefault(&l.Clients, 10_000)
	setDefault(&l.PacketBytes, 256<<10)
	setDefault(&l.InFlight, 1024)
	setDefault(&l.Subscriptions, 100)
	setDefault(&l.Sessions, 1000)
	setDefault(&l.SessionExpiry, time.Hour)
	setDefault(&l.ConnectTimeout, 10*time.Second)
	setDefault(&l.WriteTimeout, 10*time.Second)
	setDefault(&l.DrainTimeout, 2*time.Second)
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	return c
}

func setDefault[T comparable](to *T, value T) {
	var zero T
	if *to == zero {
		*to = value
	}
}
