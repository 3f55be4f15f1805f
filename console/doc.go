// Package console serves the console: web pages with which operators see how a database goes.
//
// [New] returns a handler for /console and everything below it. Its pages are embedded and
// need no build step. They speak AimX at /ws of the same server, by its module /aimx.js, and
// read /health and /api, so the handler belongs on the web server of the database.
//
// # Access
//
// The pages themselves hold nothing of the database and are served to everybody. What they
// show, the browser asks for with the token, or the name and password, of the person who uses
// it. A page asks for them when the server refuses, and keeps them in the tab
// (sessionStorage). Grants decide as for every client of AimX: the console offers to write
// only what the token or the user may write.
//
// The Content-Security-Policy allows requests to the own server only, no inline script, and
// no other site may show the pages in a frame. Keys and values are shown as text.
//
// # Pages
//
// static/index.html is the frame, static/app.js picks a page by the fragment of the URL:
// #/records, #/record/KEY, #/tail and so on. A page is a module static/pages/NAME.js with
// title, purpose, and mount(root, ctx), which returns a function that ends what it began.
// When a lost connection is back, the document gets the event "reconnected", at which a page
// that is not subscribed reads again; lib/poll.js does so.
// static/lib has what pages share, static/vendor what others wrote, with their licences.
package console
