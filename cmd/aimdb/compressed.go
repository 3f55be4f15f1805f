package main

import (
	"bufio"
	"io"

	"github.com/klauspost/compress/zstd"
)

// maxWindow is the memory that zstd needs at most for a file, as in its own tool.
const maxWindow = 128 << 20

// decompress reads what is compressed with zstd, and everything else as it is. The
// caller closes it.
func decompress(from io.Reader) (io.ReadCloser, error) {
	r := bufio.NewReaderSize(from, 64<<10)
	start, _ := r.Peek(4) // an error comes again with the next read
	if !isZstd(start) {
		return io.NopCloser(r), nil
	}
	d, err := zstd.NewReader(r, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxWindow(maxWindow))
	if err != nil {
		return nil, err
	}
	return d.IOReadCloser(), nil
}

// isZstd reports whether a file begins with a frame of zstd. A skippable one begins with
// any of sixteen bytes.
func isZstd(start []byte) bool {
	return string(start) == "\x28\xb5\x2f\xfd" || len(start) == 4 && start[0]&0xf0 == 0x50 && string(start[1:]) == "\x2a\x4d\x18"
}
