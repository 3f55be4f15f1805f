package sqlite

import (
	"context"
	"path/filepath"
)

// readIdentity reads the name of the history. A file that upstream made has
// none; its path takes the place of one.
func (s *Store) readIdentity(ctx context.Context) (err error) {
	if s.own {
		s.identity, err = meta(ctx, s.readers, "identity")
		return err
	}
	absolute, err := filepath.Abs(s.path)
	s.identity = "upstream:" + absolute
	return err
}
