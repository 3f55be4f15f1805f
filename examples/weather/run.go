package weather

import (
	"context"
	"errors"
)

// Run opens the data directory and runs the hub until ctx ends or a part of
// it fails.
func Run(ctx context.Context, o Options) error {
	return errors.New("weather: the hub is not wired to the database yet")
}
