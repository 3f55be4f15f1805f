package pump

import (
	"context"
	"fmt"
	"github.com/aimdb-go/aimdb/sinks"
)

// Leave moves the checkpoint of the sink to the zero position when a volatile log
// is over and the sink has all of it, so that the next start misses nothing. It
// is called after Run has returned.
func (p *Pump) Leave(ctx context.Context) error {
	if err := p.config.Sink.Write(ctx, &sinks.Batch{}); err != nil {
		return fmt.Errorf("sinks: move the checkpoint of sink %s to the end of the log: %w", p.config.Sink.Name(), err)
	}
	return nil
}
