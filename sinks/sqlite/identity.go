package sqlite

import (
	"context"
	"path/filepath"
)

// readIdentity reads the identity of the history. A file that upstream made has
// none; its path is used instead.
func (s *Store) readIdentity(ctx context.Context) (err error) {
	if s.own {
		identity, err := meta(ctx, s.readers, "identity")
		s.identity.Store(&identity)
		return err
	}
	absolute, err := filepath.Abs(s.path)
	identity := "upstream:" + absolute
	s.identity.Store(&identity)
	return err
}
