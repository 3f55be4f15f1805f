package serve

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"

	"github.com/aimdb-go/aimdb"
	"github.com/aimdb-go/aimdb/internal/tlsfile"
	"github.com/aimdb-go/aimdb/metrics/mqttmetrics"
	"github.com/aimdb-go/aimdb/mqtt"
)

// openMQTT opens the MQTT listener, and returns nil if it is off.
func openMQTT(db *aimdb.DB, s *Settings, logger *slog.Logger) (*part, error) {
	if s.MQTT == "" {
		return nil, nil
	}
	c := mqtt.Config{Logger: logger, Limits: s.MQTTClients}
	scheme, files := "mqtt", s.MQTTTLS
	if files == (aimdb.TLSFiles{}) {
		files = s.TLS
	}
	if files.CertFile != "" {
		var err error
		if c.TLS, err = tlsfile.Server(files.CertFile, files.KeyFile, files.CAFile); err != nil {
			return nil, fmt.Errorf("serve MQTT: %w", err)
		}
		scheme = "mqtts"
	}
	server, err := mqtt.New(db, c)
	if err != nil {
		return nil, err
	}
	listener, err := net.Listen("tcp", onLoopback(s.MQTT))
	if err != nil {
		server.Close()
		return nil, fmt.Errorf("serve MQTT: %w; choose another address or stop what listens there", err)
	}
	return &part{
		metrics: mqttmetrics.New(server),
		name:    "mqtt",
		address: fmt.Sprintf("%s://%s, topics aimdb/%s/set/KEY with / for .", scheme, listener.Addr(), db.Name()),
		run:     func(ctx context.Context) error { return server.Serve(ctx, listener) },
		close: func() error {
			server.Close()
			if err := listener.Close(); !errors.Is(err, net.ErrClosed) {
				return err
			}
			return nil
		},
	}, nil
}
