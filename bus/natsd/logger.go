package natsd

import (
	"fmt"
	"log/slog"
	"strings"
)

// serverLog passes the server's log lines to a slog.Logger. The server's notices become
// debug lines.
type serverLog struct{ to *slog.Logger }

func (l serverLog) Noticef(format string, v ...any) { l.to.Debug("nats: " + fmt.Sprintf(format, v...)) }
func (l serverLog) Debugf(format string, v ...any)  { l.to.Debug("nats: " + fmt.Sprintf(format, v...)) }
func (l serverLog) Tracef(format string, v ...any)  { l.to.Debug("nats: " + fmt.Sprintf(format, v...)) }
func (l serverLog) Warnf(format string, v ...any)   { l.to.Warn("nats: " + fmt.Sprintf(format, v...)) }

// Errorf logs errors caused by clients from outside at debug level, so that they cannot
// fill the log, and a hub that cannot be reached as a warning.
func (l serverLog) Errorf(format string, v ...any) {
	line := fmt.Sprintf(format, v...)
	if strings.Contains(line, "Violation") || strings.Contains(line, "authentication error") {
		l.to.Debug("nats: " + line)
		return
	}
	if strings.Contains(line, "as leafnode to remote server") {
		l.to.Warn("nats: " + line)
		return
	}
	l.to.Error("nats: " + line)
}

func (l serverLog) Fatalf(format string, v ...any) { l.to.Error("nats: " + fmt.Sprintf(format, v...)) }
