// Package console holds the tests of the console in a real browser. All of them share one,
// and each opens a tab. They are skipped without Chromium, and fail without it in CI.
package console
