package access

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"golang.org/x/crypto/bcrypt"
)

// List holds tokens and users. It is safe for concurrent use.
type List struct {
	// secret keys the hashes of passwords.
	secret [sha256.Size]byte
	// comparing holds a token for each comparison with bcrypt that runs.
	comparing chan struct{}
	// refused counts unknown tokens, names and passwords.
	refused atomic.Uint64
	// replacing is held by Replace.
	replacing sync.Mutex
	entries   atomic.Pointer[entries]
	// watchers are the functions of OnReplace.
	watchers map[*func()]struct{}
}

// entries are what a list holds at a time.
type entries struct {
	tokens []*tokenEntry
	users  map[string]*userEntry
	// decoy is compared with the password of an unknown name.
	decoy string
	// anonymous are the grants of who presents nothing.
	anonymous *Grants
}

type mac [sha256.Size]byte

// comparisons is the number of comparisons with bcrypt that run at a time.
const comparisons = 2

// Everybody returns a list that is open.
func Everybody() *List { return newList(&entries{}) }

func newList(e *entries) *List {
	l := &List{comparing: make(chan struct{}, comparisons)}
	_, _ = rand.Read(l.secret[:]) // it never fails
	e.keep(&entries{})
	l.entries.Store(e)
	return l
}

// NewList returns a list, or an error if a token or a user is malformed or given twice, or
// if a pattern is against the grammar. The error holds no token and no password.
func NewList(tokens []Token, users []User) (*List, error) {
	e, err := newEntries(tokens, users)
	if err != nil {
		return nil, err
	}
	return newList(e), nil
}

func newEntries(tokens []Token, users []User) (*entries, error) {
	t, err := tokenEntries(tokens)
	u, wrong := userEntries(users)
	return &entries{tokens: t, users: u, decoy: decoyOf(u)}, errors.Join(err, wrong)
}

// Replace makes these the tokens and users of the list. An error is that of NewList, and
// leaves the old ones in force.
func (l *List) Replace(tokens []Token, users []User) error {
	next, err := newEntries(tokens, users)
	if err != nil {
		return err
	}
	l.replacing.Lock()
	defer l.replacing.Unlock()
	old := l.entries.Load()
	next.keep(old)
	l.entries.Store(next)
	next.revoke(old)
	for watcher := range l.watchers {
		(*watcher)()
	}
	return nil
}

// OnReplace makes Replace call fn when it has revoked grants, before it returns, for an
// owner of many sessions. fn must not call Replace. cancel ends it, and waits for a call
// that has begun.
func (l *List) OnReplace(fn func()) (cancel func()) {
	l.replacing.Lock()
	defer l.replacing.Unlock()
	watcher := &fn
	if l.watchers == nil {
		l.watchers = make(map[*func()]struct{})
	}
	l.watchers[watcher] = struct{}{}
	return func() {
		l.replacing.Lock()
		defer l.replacing.Unlock()
		delete(l.watchers, watcher)
	}
}

// open reports whether everybody may do everything.
func (e *entries) open() bool { return len(e.tokens) == 0 && len(e.users) == 0 }

// keep takes the grants of what has not changed from the old entries.
func (e *entries) keep(old *entries) {
	for _, t := range e.tokens {
		i := slices.IndexFunc(old.tokens, func(o *tokenEntry) bool { return o.hash == t.hash && o.wrote.equal(t.wrote) })
		if i >= 0 {
			t.grants = old.tokens[i].grants
		}
	}
	for name, u := range e.users {
		if o := old.users[name]; o != nil && o.same(u) {
			e.users[name] = o
		}
	}
	if old.anonymous != nil && old.open() == e.open() {
		e.anonymous = old.anonymous
	} else {
		e.anonymous = &Grants{everything: e.open(), revoked: make(chan struct{})}
	}
}

func (p given) equal(o given) bool {
	return slices.Equal(p.read, o.read) && slices.Equal(p.write, o.write)
}

func (u *userEntry) same(o *userEntry) bool {
	return u.Password == o.Password && u.Hash == o.Hash && slices.Equal(u.Read, o.Read) && slices.Equal(u.Write, o.Write)
}

// revoke revokes the grants of old entries that these do not have.
func (e *entries) revoke(old *entries) {
	kept := map[*Grants]bool{e.anonymous: true}
	for _, t := range e.tokens {
		kept[t.grants] = true
	}
	for _, u := range e.users {
		kept[u.grants] = true
	}
	drop := func(g *Grants) {
		if g != nil && !kept[g] {
			close(g.revoked)
		}
	}
	for _, t := range old.tokens {
		drop(t.grants)
	}
	for _, u := range old.users {
		drop(u.grants)
	}
	drop(old.anonymous)
}

// Open reports whether there are neither tokens nor users: everybody may do everything.
func (l *List) Open() bool { return l.entries.Load().open() }

// Refused returns how many unknown tokens, names and passwords were presented.
func (l *List) Refused() uint64 { return l.refused.Load() }

// Anonymous returns the grants of somebody who presents nothing: everything if the list is
// open, otherwise nothing. Those of an open list are revoked when it gets a token or a user.
func (l *List) Anonymous() *Grants { return l.entries.Load().anonymous }

// Token returns the grants of a token, nil if it is unknown. The time that it takes does
// not depend on the token.
func (l *List) Token(text string) *Grants { return l.counted(l.token(text)) }

func (l *List) token(text string) *Grants {
	hash := sha256.Sum256([]byte(text))
	var found *Grants
	for _, t := range l.entries.Load().tokens {
		if subtle.ConstantTimeCompare(t.hash[:], hash[:]) == 1 {
			found = t.grants
		}
	}
	return found
}

// Login returns the grants of a text that is a token, or NAME:PASSWORD of a user, nil if it
// is neither. Tokens come first. With users, a wrong text with a ':' takes as long as bcrypt.
func (l *List) Login(text string) *Grants {
	if g := l.token(text); g != nil {
		return g
	}
	if name, password, ok := strings.Cut(text, ":"); ok && l.hasUsers() {
		return l.User(name, password)
	}
	return l.counted(nil)
}

func (l *List) hasUsers() bool { return len(l.entries.Load().users) > 0 }

// counted counts a refusal.
func (l *List) counted(found *Grants) *Grants {
	if found == nil {
		l.refused.Add(1)
	}
	return found
}

// User returns the grants of a user, nil if the name is unknown or the password wrong. It
// may take as long as bcrypt takes.
func (l *List) User(name, password string) *Grants {
	all := l.entries.Load()
	u := all.users[name]
	presented := l.mac(name, password)
	if u == nil {
		l.compare(all.decoy, password)
		return l.counted(nil)
	}
	if right := u.right.Load(); right != nil && hmac.Equal(right[:], presented[:]) {
		return u.grants
	}
	hash, expected := u.Hash, presented
	if u.Password != "" {
		hash, expected = all.decoy, l.mac(name, u.Password)
	}
	switch {
	case u.Password != "" && hmac.Equal(expected[:], presented[:]):
	case l.compare(hash, password) && u.Password == "":
	default:
		return l.counted(nil)
	}
	u.right.Store(&presented)
	return u.grants
}

// compare compares a password with a hash of bcrypt.
func (l *List) compare(hash, password string) bool {
	l.comparing <- struct{}{}
	defer func() { <-l.comparing }()
	return bcrypt.CompareHashAndPassword([]byte(hash), []byte(password)) == nil
}

// mac returns the keyed hash of a name and a password.
func (l *List) mac(name, password string) (sum mac) {
	h := hmac.New(sha256.New, l.secret[:])
	h.Write([]byte(name))
	h.Write([]byte{0}) // no name holds it
	h.Write([]byte(password))
	return mac(h.Sum(nil))
}
