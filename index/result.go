package index

import (
	"time"

	"github.com/seed-368d3dfa/chorus/minhash"
)

// A Match is a retained prompt that resembles a queried text.
type Match struct {
	ID         string    `json:"id"` // the prompt's own id, or "#" and its number
	Account    string    `json:"account"`
	Time       time.Time `json:"time"`
	Similarity float64   `json:"similarity"` // estimated Jaccard similarity of shingles, 0 to 1
	Templates  []string  `json:"templates"`
}

// A Template is a set of shingles that the prompts of many accounts keep
// containing, with what a reader needs to judge it.
type Template struct {
	ID         string    `json:"id"`
	Pattern    string    `json:"pattern"` // fixed words with {1}, {2} … for slots
	FixedWords int       `json:"fixed_words"`
	Slots      []Slot    `json:"slots"`
	Accounts   int       `json:"accounts"` // exact, in the filter's window
	Prompts    int       `json:"prompts"`
	FirstSeen  time.Time `json:"first_seen"`
	LastSeen   time.Time `json:"last_seen"`
	Score      float64   `json:"score"` // 0 to 100
	Status     string    `json:"status"`
	Family     string    `json:"family,omitempty"`   // of the variants of one template: an id, the earliest's; "": it is the only one
	Variants   int       `json:"variants,omitempty"` // how many others are in it
	Bundle     string    `json:"bundle,omitempty"`   // of templates that come in the same prompts, likewise
	Factors    []Factor  `json:"factors"`
	Exemplars  []string  `json:"exemplars"`
	Members    []Member  `json:"members,omitempty"` // Filter.Members only

	// Attrs are its prompts in the filter's window by attribute and value, of each
	// attribute the ten most frequent values; all others are "other". Prompts from
	// before the template was known, found in older segments, are not among them.
	Attrs map[string]map[string]int `json:"attrs,omitempty"`
}

// A Slot is a place of a pattern whose text varies.
type Slot struct {
	Distinct int      `json:"distinct"` // different fillings among the exemplars
	Examples []string `json:"examples"`
}

// A Factor is one worded reason for or against a score.
type Factor struct {
	Name   string  `json:"name"`
	Value  float64 `json:"value"`
	Points float64 `json:"points"`
	Text   string  `json:"text"`
}

// A Member is one account of a template or campaign.
type Member struct {
	Account    string  `json:"account"`
	Prompts    int     `json:"prompts"`              // of a campaign as in Campaign
	Confidence float64 `json:"confidence,omitempty"` // campaigns only, 0 to 1
}

// A Campaign is a set of templates that the same accounts send, with those
// accounts and with why they are thought to act together.
//
// Its prompts, and those of its members, days and windows, are what its accounts
// sent of its templates, at least: a prompt may belong to several of them, so of
// each account and day only those of the template that it sent most count.
type Campaign struct {
	ID        string             `json:"id"`
	Status    string             `json:"status"` // "alert", "watch", "benign", "confirmed"
	Score     float64            `json:"score"`  // 0 to 100: its best template's
	Accounts  int                `json:"accounts"`
	Prompts   int                `json:"prompts"`
	Templates []CampaignTemplate `json:"templates"` // the best evidence first
	FirstSeen time.Time          `json:"first_seen"`
	LastSeen  time.Time          `json:"last_seen"`
	FlaggedAt time.Time          `json:"flagged_at,omitzero"` // time of the prompt that raised the alert
	Log10P    float64            `json:"log10_p"`             // of sharing its templates by chance; 0 for one template
	RewiredP  float64            `json:"rewired_p,omitzero"`  // the same by chance put to the test: of graphs rewired at random, the share with as many; 0: not tested
	Days      []Day              `json:"days"`                // those with prompts, ascending
	Windows   []Window           `json:"windows"`             // of 1, 7 and 45 days: each the one with most accounts
	Factors   []Factor           `json:"factors"`
	Members   []Member           `json:"members,omitempty"` // Filter.Members only; the surest first

	// Attrs are the sums of its templates' Attrs of all days: a prompt of several
	// templates counts with each.
	Attrs map[string]map[string]int `json:"attrs,omitempty"`
}

// A Day is what was sent on one day: of a campaign, of a template, or altogether.
type Day struct {
	Day         string `json:"day"` // "2026-06-01", UTC
	Prompts     int    `json:"prompts"`
	NewAccounts int    `json:"new_accounts"` // those first seen with it that day
}

// A Window is what a campaign did in some days on end.
type Window struct {
	Days     int    `json:"days"`
	From     string `json:"from"` // "2026-06-01", UTC: the first day of it with prompts
	Accounts int    `json:"accounts"`
	Prompts  int    `json:"prompts"`
}

// A CampaignTemplate is one template of a campaign.
type CampaignTemplate struct {
	ID       string `json:"id"`
	Pattern  string `json:"pattern"`
	Accounts int    `json:"accounts"`
	Family   string `json:"family,omitempty"` // as in Template
	Bundle   string `json:"bundle,omitempty"`
}

// A Filter selects templates or campaigns. Its zero value selects everything.
type Filter struct {
	ID          string    // this one only
	Template    string    // campaigns: those with this template
	MinAccounts int       // at least so many accounts
	Since       time.Time // count only days from this one on; campaigns: last seen then or later
	Until       time.Time // count only days up to this one; campaigns: first seen then or earlier
	Status      string    // "alert", "watch", "benign", "confirmed", "none", or several with commas between; "": all
	MinScore    float64   // at least this score
	MaxScore    float64   // at most this score; 0: any
	Text        string    // the pattern, or one of the campaign's, has this in it, in capitals or not
	Attrs       []Attr    // has prompts with each of these in the window; campaigns: on any day
	Family      string    // templates: only those of this family; that of any of them, as "f" and its number, will do
	Bundle      string    // templates: only those of this bundle, likewise with "b"
	Fold        bool      // templates: of those of a family only the widest, with the accounts of all
	After       string    // only what comes after the item with this Cursor
	Limit       int       // at most so many, from the first on; 0: all
	Members     bool      // fill Members
}

// An Account says what one account sent and which templates it shares.
type Account struct {
	ID        string            `json:"id"`
	Prompts   int               `json:"prompts"`
	FirstSeen time.Time         `json:"first_seen"`
	LastSeen  time.Time         `json:"last_seen"`
	Templates []AccountTemplate `json:"templates"` // most of its prompts first
	Peers     []Peer            `json:"peers"`     // the accounts that share most templates with it, at most 20
	Campaigns []AccountCampaign `json:"campaigns"` // those it is a member of, worst first
}

// A Peer is an account that shares templates with another.
type Peer struct {
	Account   string `json:"account"`
	Templates int    `json:"templates"` // that both use
}

// An AccountCampaign is a campaign that an account is a member of.
type AccountCampaign struct {
	ID         string  `json:"id"`
	Status     string  `json:"status"`
	Score      float64 `json:"score"`
	Accounts   int     `json:"accounts"`   // all members
	Prompts    int     `json:"prompts"`    // this account's, as in Campaign
	Confidence float64 `json:"confidence"` // that it is one, 0 to 1
}

// An AccountTemplate is one template that an account uses.
type AccountTemplate struct {
	ID       string   `json:"id"`
	Pattern  string   `json:"pattern"`
	Prompts  int      `json:"prompts"`  // this account's
	Accounts int      `json:"accounts"` // all accounts that use it
	With     []Member `json:"with"`     // the others, most prompts first, at most 100
}

// A Flag records the moment at which a template or campaign crossed a threshold.
type Flag struct {
	Seq      uint64    `json:"seq"` // from 1, without gaps
	Time     time.Time `json:"time"`
	Kind     string    `json:"kind"` // "template" or "campaign"
	ID       string    `json:"id"`
	Score    float64   `json:"score"`
	Accounts int       `json:"accounts"`
	Text     string    `json:"text"` // what happened, in words; never a prompt's text
}

// Stats are an index's totals.
type Stats struct {
	Prompts    int            `json:"prompts"`
	Duplicates int            `json:"duplicates"` // prompts whose id had been seen before, ever
	Accounts   int            `json:"accounts"`
	Templates  int            `json:"templates"`
	Memory     int            `json:"template_bytes"` // that templates in memory take, about
	Flags      int            `json:"flags"`          // ever recorded
	Segments   int            `json:"segments"`
	Runs       int            `json:"runs"`        // sorted lists of postings, which merging makes fewer
	Unsealed   int            `json:"unsealed"`    // prompts that are in the journal and in no segment yet
	Queued     int            `json:"queued"`      // Adds and Submits that wait to be counted in
	AttrValues int            `json:"attr_values"` // of attributes, that are counted apart
	AttrOthers int            `json:"attr_others"` // of prompts, ever, that are counted as "other"
	Bytes      int64          `json:"bytes"`       // of the file
	First      time.Time      `json:"first"`
	Last       time.Time      `json:"last"`
	Scheme     minhash.Scheme `json:"scheme"`
}
