package pump

import (
	"context"
	"fmt"

	"github.com/aimdb-go/aimdb/sinks"
)

// Leave tells the sink that a volatile log is over and that the sink has all
// that was ever in it, so that the next start misses nothing. It is for the
// time after Run has returned.
func (p *Pump) Leave(ctx context.Context) error {
	if err := p.config.Sink.Write(ctx, &sinks.Batch{}); err != nil {
		return fmt.Errorf("sinks: tell sink %s that the log is over: %w", p.config.Sink.Name(), err)
	}
	return nil
}
