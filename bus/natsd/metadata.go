package natsd

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
)

// SyncMetadata syncs the descriptions of the streams, and the directories that
// lead to them, to disk. The server writes them at every start and leaves syncing
// to the system. After a power loss soon after a start it would skip the stream and
// create another one, with another identity, over the same messages, and a sink
// would store them twice.
func (s *Server) SyncMetadata() error {
	if s.config.Dir == "" {
		return nil
	}
	dir := s.dir
	err := filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		switch {
		case errors.Is(err, fs.ErrNotExist):
			return nil // the server renames and removes its files meanwhile
		case err != nil:
			return err
		case e.IsDir() && runtime.GOOS == "windows": // cannot sync directories
			return nil
		case !e.IsDir() && !strings.HasPrefix(e.Name(), "meta."):
			return nil
		}
		return syncFile(path)
	})
	if err != nil {
		return fmt.Errorf("natsd: sync the descriptions of the streams in %s: %w", dir, err)
	}
	return nil
}

func syncFile(path string) error {
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}
