package main

import (
	"io"
	"os"
	"time"

	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"
)

// newProgress is a bar on a terminal, and nothing anywhere else. A total of -1
// is not known.
func newProgress(w io.Writer, total int64, what string, more ...progressbar.Option) *progressbar.ProgressBar {
	file, ok := w.(*os.File)
	if !ok || !term.IsTerminal(int(file.Fd())) {
		return progressbar.DefaultSilent(total)
	}
	return progressbar.NewOptions64(total, append([]progressbar.Option{
		progressbar.OptionSetWriter(w), progressbar.OptionSetDescription(what),
		progressbar.OptionShowCount(), progressbar.OptionSetPredictTime(total > 0),
		progressbar.OptionThrottle(barInterval), progressbar.OptionClearOnFinish(),
	}, more...)...)
}

// barInterval keeps the bar from costing more than the work.
const barInterval = 100 * time.Millisecond
