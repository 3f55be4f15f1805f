package hub

// Verdict is the result of a verification, from best to worst.
type Verdict string

// The verdicts.
const (
	// Complete says that the hub has all that it could read of its sites, as far as
	// they have been read.
	Complete Verdict = "complete"
	// LossesKnown says that values are missing, and why each of them is.
	LossesKnown Verdict = "losses_known"
	// UnknownLoss says that something is missing, damaged or twice and nobody knows why.
	UnknownLoss Verdict = "unknown_loss"
)

func worse(a, b Verdict) Verdict {
	rank := map[Verdict]int{Complete: 0, LossesKnown: 1, UnknownLoss: 2}
	if rank[b] > rank[a] {
		return b
	}
	return a
}

// Verification is what a hub has of its sites, and what it does not have although it
// should.
type Verification struct {
	Hub     string  `json:"hub"`
	Verdict Verdict `json:"verdict"`
	// First and Last are the sequences of the hub's own stream, Messages their number.
	First    uint64 `json:"first"`
	Last     uint64 `json:"last"`
	Messages uint64 `json:"messages"`
	// Discarded says that limits have removed the begin of the stream.
	Discarded bool               `json:"discarded"`
	Sites     []SiteVerification `json:"sites"`
	// Problems are sentences about the stream as a whole.
	Problems []string `json:"problems"`
}

// SiteVerification is what a hub has of one site.
type SiteVerification struct {
	Site    string  `json:"site"`
	Verdict Verdict `json:"verdict"`
	// Logs are the logs that the hub has read, the present one last. There are several
	// if the log was deleted and created again.
	Logs []SiteLog `json:"logs"`
	// Answers says whether the site answered. Identity, First and Last describe its log,
	// and Lag counts the messages that the hub has yet to read.
	Answers  bool   `json:"answers"`
	Identity string `json:"identity,omitempty"`
	First    uint64 `json:"first,omitempty"`
	Last     uint64 `json:"last,omitempty"`
	Lag      uint64 `json:"lag"`
	// Compared says that the hub has each message that the site still has up to the last
	// one the hub has, but for Missing.
	Compared bool    `json:"compared"`
	Missing  []Range `json:"missing"`
	// Holes are numbers of values that no message of the hub has, of each record.
	Holes   []Hole `json:"holes"`
	LeftOut int    `json:"left_out"`
	// Repeats are values that the hub has twice: of a log of the site, and of the one that
	// its server has made of the same messages.
	Repeats []Repeat `json:"repeats"`
	// Problems are sentences about other damage, Notes about what could not be verified.
	Problems []string `json:"problems"`
	Notes    []string `json:"notes"`
}

// SiteLog is the part that a hub has of one log of a site. The sequences are those of the
// site.
type SiteLog struct {
	// Stream is what the servers call the log.
	Stream   string `json:"stream"`
	First    uint64 `json:"first"`
	Last     uint64 `json:"last"`
	Messages uint64 `json:"messages"`
	Records  int    `json:"records"`
	// NotSent counts the sequences between First and Last that the hub does not have:
	// messages of private records and losses, which stay at the site, and Missing.
	NotSent uint64 `json:"not_sent"`
}

// Range is a range of sequences of a site, with the number of messages in it that the
// site has and the hub has not.
type Range struct {
	From  uint64 `json:"from"`
	To    uint64 `json:"to"`
	Count uint64 `json:"count"`
}

// Cause says why the hub has no message for some numbers of a record.
type Cause string

// The causes.
const (
	// Announced numbers were lost on the way to the log of the site: the next message of
	// the record says so.
	Announced Cause = "announced"
	// NotAtSite says that the site has no message with these numbers either.
	NotAtSite Cause = "not_at_site"
	// BeforeHub numbers come before the first message of the record that the hub has: a
	// limit has discarded them, at the site before the hub read them or at the hub.
	BeforeHub Cause = "before_hub"
	// Unexplained numbers are missing at the hub, and the site does not say whether it has them.
	Unexplained Cause = "unexplained"
)

// Hole is a range of numbers of one record in one run of the site.
type Hole struct {
	Record string `json:"record"`
	Run    uint64 `json:"run"`
	From   uint64 `json:"from"`
	To     uint64 `json:"to"`
	Cause  Cause  `json:"cause"`
	// After and Before are the sequences at the site of the messages around the hole.
	// After is 0 if there is none.
	After  uint64 `json:"after"`
	Before uint64 `json:"before"`
}

// Count returns how many values are missing.
func (h Hole) Count() uint64 { return h.To - h.From + 1 }

// Repeat is a number of values of a record that the hub has twice.
type Repeat struct {
	Record string `json:"record"`
	Count  uint64 `json:"count"`
}

// judge sets the verdict from the findings.
func (v *SiteVerification) judge() {
	v.Verdict = Complete
	for _, hole := range v.Holes {
		if hole.Cause == Unexplained {
			v.Verdict = UnknownLoss
		}
		v.Verdict = worse(v.Verdict, LossesKnown)
	}
	if len(v.Missing)+len(v.Repeats)+len(v.Problems)+v.LeftOut > 0 {
		v.Verdict = UnknownLoss
	}
}

// newest returns the log that the hub reads now, nil if it has read none.
func (v *SiteVerification) newest() *SiteLog {
	if len(v.Logs) == 0 {
		return nil
	}
	return &v.Logs[len(v.Logs)-1]
}
