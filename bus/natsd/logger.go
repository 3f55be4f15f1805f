package natsd

import (
	"fmt"
	"log/slog"
	"strings"
)

// serverLog hands the server's own lines to the database's logger. What the
// server calls a notice is of interest only to who debugs it.
type serverLog struct{ to *slog.Logger }

func (l serverLog) Noticef(format string, v ...any) { l.to.Debug("nats: " + fmt.Sprintf(format, v...)) }
func (l serverLog) Debugf(format string, v ...any)  { l.to.Debug("nats: " + fmt.Sprintf(format, v...)) }
func (l serverLog) Tracef(format string, v ...any)  { l.to.Debug("nats: " + fmt.Sprintf(format, v...)) }
func (l serverLog) Warnf(format string, v ...any)   { l.to.Warn("nats: " + fmt.Sprintf(format, v...)) }

// Errorf keeps what clients from outside do wrong out of the log: they could
// fill it.
func (l serverLog) Errorf(format string, v ...any) {
	line := fmt.Sprintf(format, v...)
	if strings.Contains(line, "Violation") || strings.Contains(line, "authentication error") {
		l.to.Debug("nats: " + line)
		return
	}
	l.to.Error("nats: " + line)
}

func (l serverLog) Fatalf(format string, v ...any) { l.to.Error("nats: " + fmt.Sprintf(format, v...)) }
