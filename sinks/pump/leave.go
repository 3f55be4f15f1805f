package pump

import (
	"context"
	"fmt"

	"github.com/aimdb-go/aimdb/sinks"
)

// Leave removes the sink's checkpoint in a volatile log that it has stored completely,
// so that the next start reports no loss. Call it after Run has returned.
func (p *Pump) Leave(ctx context.Context) error {
	if err := p.config.Sink.Write(ctx, &sinks.Batch{Previous: p.have}); err != nil {
		return fmt.Errorf("sinks: remove the checkpoint of sink %s in a log that ends: %w", p.config.Sink.Name(), err)
	}
	return nil
}
