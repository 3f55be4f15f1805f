package hub

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"testing"

	"github.com/aimdb-go/aimdb"
	"github.com/aimdb-go/aimdb/httpapi"
)

// sends is a script that writes in the ways in which a page can without being asked for
// permission first, and in one for which the browser asks.
const sends = `(async () => {
	const url = %q, line = '{"key":"a","value":"of the page"}';
	const no = () => {};
	await fetch(url + "/api/write", { method: "POST", mode: "no-cors", body: line }).catch(no);
	await fetch(url + "/api/write", { method: "POST", mode: "no-cors", body: new Blob([line], { type: "text/plain" }), credentials: "include" }).catch(no);
	navigator.sendBeacon(url + "/api/write", line);
	const form = document.createElement("form");
	form.method = "post", form.enctype = "text/plain", form.action = url + "/api/write", form.target = "hidden";
	form.innerHTML = "<input name='{\"key\":\"a\",\"value\":\"' value='of a form\"}'>";
	document.body.append(form);
	form.submit();
	return fetch(url + "/api/records/a", { method: "PUT", body: "1" }).then((r) => String(r.status), (err) => err.name);
})()`

// A page on another port of the same machine cannot write to a server on loopback, and one of
// the server itself can.
func TestPagesOfOtherOriginsCannotWrite(t *testing.T) {
	t.Parallel()
	browser := chromium(t)
	db, err := aimdb.New(aimdb.Name("web"), aimdb.Dir(t.TempDir()))
	if err != nil {
		t.Fatal(err)
	}
	record, err := aimdb.Register[json.RawMessage](db, "a", aimdb.Ring(64), aimdb.Writable())
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- db.Run(ctx) }()
	defer func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	}()
	<-db.Ready()
	posts := make(chan int, 64)
	api := httpapi.New(db)
	page := htmlPage("<title>page</title><body><iframe name=hidden></iframe>")
	own := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/" {
			page.ServeHTTP(w, r)
			return
		}
		answer := httptest.NewRecorder()
		api.ServeHTTP(answer, r)
		if r.Method == http.MethodPost {
			posts <- answer.Code
		}
		w.WriteHeader(answer.Code)
	}))
	defer own.Close()
	other := httptest.NewServer(page)
	defer other.Close()
	for _, c := range []struct {
		page, put string
		posts     []int
		values    uint64
	}{
		{other.URL, "TypeError", []int{403, 403, 403, 403}, 0},
		{own.URL, "204", []int{200, 200, 200, 200}, 5},
	} {
		goTo(t, browser, c.page+"/")
		if got := await(t, browser, fmt.Sprintf(sends, own.URL)); got != c.put {
			t.Errorf("PUT from %s: %s, want %s", c.page, got, c.put)
		}
		var got []int
		for range c.posts {
			got = append(got, <-posts)
		}
		if !slices.Equal(got, c.posts) || record.Untyped().Produced() != c.values {
			t.Errorf("from %s: %v, and %d values; want %v and %d", c.page, got, record.Untyped().Produced(), c.posts, c.values)
		}
	}
}
