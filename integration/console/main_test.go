package console

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"

	"github.com/aimdb-go/aimdb/internal/needed"
)

// patience is how long a test waits for what must come, on a machine with much to do.
const patience = 30 * time.Second

// shared is the browser of all tests.
var shared struct {
	once sync.Once
	ctx  context.Context
	err  error
	end  []func()
}

func TestMain(m *testing.M) {
	code := m.Run()
	for _, end := range slices.Backward(shared.end) {
		end()
	}
	os.Exit(code)
}

// start starts the browser.
func start(path string) error {
	dir, err := os.MkdirTemp("", "con")
	if err != nil {
		return err
	}
	shared.end = append(shared.end, func() { _ = os.RemoveAll(dir) }) // it is in the directory for temporary files
	ctx, cancel := chromedp.NewContext(context.Background(), chromedp.WithAllocatorOptions(
		chromedp.ExecPath(path), chromedp.Env("TMPDIR="+dir), chromedp.UserDataDir(dir+"/profile"),
		chromedp.NoSandbox, chromedp.DisableGPU,
		chromedp.Flag("disable-background-networking", true), chromedp.Flag("disable-component-update", true), chromedp.Flag("disable-sync", true),
	))
	shared.end, shared.ctx = append(shared.end, cancel), ctx
	return chromedp.Do(ctx)
}

// tab is a tab of the browser.
type tab struct {
	t   testing.TB
	ctx context.Context
	url string
	mu  sync.Mutex
	bad []string
}

// newTab opens a tab. At the end of the test it must have had no exception, and no request to
// another host than that of url.
func newTab(t testing.TB, url string) *tab {
	t.Helper()
	path, err := exec.LookPath("chromium")
	if err != nil {
		needed.Missing(t, "Chromium (Debian package chromium): %v", err)
	}
	shared.once.Do(func() { shared.err = start(path) })
	if shared.err != nil {
		t.Fatal(shared.err)
	}
	b := &tab{t: t, url: url}
	ctx, cancel := chromedp.NewContext(shared.ctx, chromedp.WithListener(b.listen))
	t.Cleanup(cancel)
	b.ctx, cancel = context.WithTimeout(ctx, 2*time.Minute)
	t.Cleanup(cancel)
	t.Cleanup(func() {
		b.mu.Lock()
		defer b.mu.Unlock()
		for _, bad := range b.bad {
			t.Error(bad)
		}
	})
	b.look(1280, "light")
	return b
}

func (b *tab) listen(ev any) {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch ev := ev.(type) {
	case *runtime.EventExceptionThrown:
		b.bad = append(b.bad, fmt.Sprintf("the page threw: %s %+v", ev.ExceptionDetails.Text, ev.ExceptionDetails.Exception))
	case *network.EventRequestWillBeSent:
		if url := ev.Request.URL; b.url != "" && !allowed(url, b.url) {
			b.bad = append(b.bad, "the page asked "+url)
		}
	}
}

func allowed(url, of string) bool {
	return len(url) >= len(of) && url[:len(of)] == of || slices.ContainsFunc([]string{"blob:" + of, "data:", "about:"}, func(p string) bool {
		return len(url) >= len(p) && url[:len(p)] == p
	})
}

// do runs steps.
func (b *tab) do(steps ...chromedp.Action[chromedp.Void]) {
	b.t.Helper()
	if err := chromedp.Do(b.ctx, steps...); err != nil {
		b.t.Fatal(err)
	}
}

// visit opens a page of the console, from scratch.
func (b *tab) visit(fragment string) {
	b.t.Helper()
	b.do(chromedp.Navigate("about:blank"), chromedp.Navigate(b.url+"/console/"+fragment))
	b.until("the page", `document.querySelector("main h1")`)
}

// look sets the width of the window in pixels and the colour scheme.
func (b *tab) look(width int64, scheme string) {
	b.t.Helper()
	height := int64(800)
	if width < 500 {
		height = 844
	}
	media := emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}}}
	b.do(chromedp.EmulateViewport(width, height), chromedp.Func(func(ctx context.Context, _ *chromedp.Target) error {
		_, err := chromedp.Call(ctx, emulation.SetEmulatedMedia, media)
		return err
	}))
}

// eval evaluates an expression, or awaits a promise.
func eval[T any](b *tab, expression string) T {
	b.t.Helper()
	v, err := chromedp.Run(b.ctx, chromedp.Evaluate[T](expression, chromedp.EvalAwaitPromise))
	if err != nil {
		b.t.Fatalf("reading %.300s: %v", expression, err)
	}
	return v
}

// until waits for an expression to hold.
func (b *tab) until(what, expression string) {
	b.t.Helper()
	tick := time.NewTicker(25 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); <-tick.C {
		if eval[bool](b, "Promise.resolve("+expression+").then(Boolean)") {
			return
		}
	}
	b.t.Fatalf("the page never had: %s\nit has: %.2000s", what, eval[string](b, "document.body.innerText"))
}

// press presses a key.
func (b *tab) press(keys string, opts ...chromedp.KeyOption) {
	b.t.Helper()
	b.do(chromedp.KeyEvent(keys, opts...))
}
