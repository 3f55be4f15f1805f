package serve

import (
	"log/slog"

	"github.com/aimdb-go/aimdb"
)

// hasMQTT reports whether MQTT clients can connect.
const hasMQTT = false

// mqttPart opens the MQTT listener, and returns nil if there is none.
func mqttPart(*aimdb.DB, *Settings, *slog.Logger) (*part, error) { return nil, nil }
