package upkeep

import (
	"context"
	"os"
	"os/exec"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"

	"github.com/aimdb-go/aimdb/internal/needed"
)

// chromium starts a browser without a window, and ends it with the test.
func chromium(t *testing.T) context.Context {
	t.Helper()
	path, err := exec.LookPath("chromium")
	if err != nil {
		needed.Missing(t, "Chromium (Debian package chromium): %v", err)
	}
	dir, err := os.MkdirTemp("", "con") // its sockets have short paths
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) }) // the browser may still write there
	ctx, cancel := chromedp.NewContext(t.Context(), chromedp.WithAllocatorOptions(
		chromedp.ExecPath(path), chromedp.Env("TMPDIR="+dir), chromedp.UserDataDir(dir),
		chromedp.NoSandbox, chromedp.DisableGPU,
		chromedp.Flag("disable-quic", true), chromedp.Flag("disable-background-networking", true),
		chromedp.Flag("disable-component-update", true), chromedp.Flag("disable-sync", true),
	))
	t.Cleanup(cancel)
	ctx, cancel = context.WithTimeout(ctx, 5*time.Minute)
	t.Cleanup(cancel)
	return ctx
}

func goTo(t *testing.T, browser context.Context, url string) {
	t.Helper()
	if err := chromedp.Do(browser, chromedp.Navigate("about:blank"), chromedp.Navigate(url)); err != nil {
		t.Fatal(err)
	}
}

// look sets the width of the window in pixels and the colour scheme.
func look(t *testing.T, browser context.Context, width int64, scheme string) {
	t.Helper()
	media := emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}}}
	err := chromedp.Do(browser, chromedp.EmulateViewport(width, 900), chromedp.Func(func(ctx context.Context, _ *chromedp.Target) error {
		_, err := chromedp.Call(ctx, emulation.SetEmulatedMedia, media)
		return err
	}))
	if err != nil {
		t.Fatal(err)
	}
}

// read evaluates an expression in the page.
func read[T any](t *testing.T, browser context.Context, expression string) T {
	t.Helper()
	v, err := chromedp.Run(browser, chromedp.Evaluate[T](expression))
	if err != nil {
		t.Fatalf("reading %.200s: %v", expression, err)
	}
	return v
}

// until waits for an expression in the page to hold.
func until(t *testing.T, browser context.Context, what, expression string) {
	t.Helper()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); <-tick.C {
		if read[bool](t, browser, "Boolean("+expression+")") {
			return
		}
	}
	t.Fatalf("the page never had: %s\nit has: %s", what, read[string](t, browser, "document.body.innerText"))
}

// has waits for a text in the page.
func has(t *testing.T, browser context.Context, text string) {
	t.Helper()
	until(t, browser, text, `document.querySelector("main").innerText.includes(`+quoted(text)+`)`)
}

// shoot keeps a picture of the whole page, if AIMDB_CONSOLE_SHOTS names a directory.
func shoot(t *testing.T, browser context.Context, name string) {
	t.Helper()
	dir := os.Getenv("AIMDB_CONSOLE_SHOTS")
	if dir == "" {
		return
	}
	picture, err := chromedp.Run(browser, chromedp.FullScreenshot(100))
	if err == nil {
		err = os.WriteFile(dir+"/"+name+".png", picture, 0o644)
	}
	if err != nil {
		t.Fatal(err)
	}
}
