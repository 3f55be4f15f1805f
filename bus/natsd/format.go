package natsd

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"

	"github.com/nats-io/nats-server/v2/server"
)

// ErrNewer is the error of Open for a directory that a newer program has written.
var ErrNewer = errors.New("made by a newer version of this program")

const (
	// formatKey is the key of the metadata of a stream that says how its messages are
	// written, and format the newest way that this program knows. A stream without the
	// key has format 1.
	formatKey = "aimdb.format"
	format    = 1
)

// CheckFormat returns ErrNewer if a stream of a directory needs a newer program. It changes
// nothing, and a directory that does not exist is none. Open asks it before the server starts,
// which would rewrite the description of the stream. A description that cannot be read is left
// to the server.
func CheckFormat(dir string) error {
	found, err := fs.Glob(os.DirFS(dir), "jetstream/*/streams/*/meta.inf")
	if err != nil {
		return fmt.Errorf("natsd: look for streams in %s: %w", dir, err)
	}
	for _, path := range found {
		path = filepath.Join(dir, path)
		text, err := os.ReadFile(path)
		if err != nil {
			return fmt.Errorf("natsd: read the description of a stream: %w", err)
		}
		var stream struct {
			Metadata map[string]string `json:"metadata"`
		}
		if json.Unmarshal(text, &stream) != nil {
			continue
		}
		for _, one := range []struct {
			key, what string
			knows     int
		}{
			{formatKey, "format", format},
			{server.JSRequiredLevelMetadataKey, "level of the JetStream API", server.JSApiLevel},
		} {
			if has, err := strconv.Atoi(stream.Metadata[one.key]); err == nil && has > one.knows {
				return fmt.Errorf("natsd: the log in %s was %w: it needs %s %d and this program knows up to %d; nothing was changed; use the newer program",
					filepath.Dir(path), ErrNewer, one.what, has, one.knows)
			}
		}
	}
	return nil
}
