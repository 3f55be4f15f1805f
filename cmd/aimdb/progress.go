package main

import (
	"io"
	"os"
	"time"

	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"
)

// newProgress returns a progress bar, which is silent if w is not a terminal. A
// total of -1 is unknown.
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

// barInterval bounds the cost of drawing the bar.
const barInterval = 100 * time.Millisecond
