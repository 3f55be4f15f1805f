package sqlite

import (
	"context"
	"path/filepath"
)

// readIdentity reads the identity of the history. A file that upstream made has
// none; its path is used instead.
func (s *Store) readIdentity(ctx context.Context) (err error) {
	if s.own {
		s.identity, err = meta(ctx, s.readers, "identity")
		return err
	}
	absolute, err := filepath.Abs(s.path)
	s.identity = "upstream:" + absolute
	return err
}
