package webtest

import (
	"io"
	"net/http"
	"testing"
)

// Get returns the status and the body that a web server answers, to a token if it is not empty.
// Without an answer the status is 0, and the text is the error.
func Get(t testing.TB, address, token string) (status int, text string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, address, nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Close = true // a test that looks for goroutines which are left finds no idle connection
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		return 0, err.Error()
	}
	defer func() { _ = answer.Body.Close() }() // it was read
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer.StatusCode, string(body)
}
