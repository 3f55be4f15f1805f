package bus

import (
	"errors"
	"os"
	"time"
)

// roomNeeded is how much must fit on the disk before a stopped store is
// opened again; with less it would stop at once.
const roomNeeded = 1 << 20

// reopen starts the server anew if its store does not answer although there
// is room: JetStream shuts a store that met a full disk until it is opened
// again. It reports whether it did.
func (b *Bus) reopen() bool {
	if b.config.Dir == "" || !hasRoom(b.node.dir) {
		return false
	}
	b.log.Warn("bus: the log's store does not answer though its disk has room; opening it again", "dir", b.config.Dir)
	start := time.Now()
	if err := b.node.restart(); err != nil {
		b.log.Error("bus: the log's store could not be opened again", "error", err)
		return true
	}
	b.log.Info("bus: the log's store is open again", "after", time.Since(start).Round(time.Millisecond).String())
	return true
}

// hasRoom tries, because free space alone does not tell: quotas and limits of
// file sizes stop a store as well.
func hasRoom(dir string) bool {
	f, err := os.CreateTemp(dir, ".probe-")
	if err != nil {
		return false
	}
	_, err = f.Write(make([]byte, roomNeeded))
	return errors.Join(err, f.Sync(), f.Close(), os.Remove(f.Name())) == nil
}
