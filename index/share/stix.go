package share

import (
	"crypto/sha1"
	"encoding/hex"
	"regexp"
	"strings"
	"time"
)

// A bundle holds, in this order:
//
//	identity              who defines the extension: chorus
//	extension-definition  of the properties below
//	campaign              its times, and in the extension score, accounts, prompts, days, members if asked for
//	for each template:
//	  indicator           pattern (pattern_type "chorus") and in the extension key, scheme and sketch
//	  relationship        the indicator indicates the campaign
//	  sighting            prompts and times
//	note                  the factors for and against, in words
//
// Ids are UUIDs of version 5: the same campaign has the same ids whenever it
// is exported. created and modified are the campaign's own times.

// object has the properties that STIX 2.1 requires of every object (section 3.2).
type object struct {
	Type        string `json:"type"`
	SpecVersion string `json:"spec_version"`
	ID          string `json:"id"`
	CreatedBy   string `json:"created_by_ref,omitempty"`
	Created     stamp  `json:"created"`
	Modified    stamp  `json:"modified"`
}

// stamp is a timestamp as STIX 2.1 writes it (section 2.15).
type stamp struct{ at time.Time }

const stampLayout = "2006-01-02T15:04:05.000Z"

func (s stamp) MarshalText() ([]byte, error) {
	return s.at.UTC().AppendFormat(nil, stampLayout), nil
}

func (s *stamp) UnmarshalText(b []byte) (err error) {
	s.at, err = time.Parse(time.RFC3339, string(b))
	return err
}

type identity struct {
	object
	Name  string `json:"name"`
	Class string `json:"identity_class"`
}

type extensionDefinition struct {
	object
	Name           string   `json:"name"`
	Description    string   `json:"description"`
	Schema         string   `json:"schema"`
	Version        string   `json:"version"`
	ExtensionTypes []string `json:"extension_types"`
}

type stixCampaign struct {
	object
	Name        string                `json:"name"`
	Description string                `json:"description"`
	Labels      []string              `json:"labels"`
	Confidence  int                   `json:"confidence"`
	FirstSeen   stamp                 `json:"first_seen"`
	LastSeen    stamp                 `json:"last_seen"`
	Extensions  map[string]campaignIn `json:"extensions"`
}

type stixIndicator struct {
	object
	Name        string                 `json:"name"`
	Description string                 `json:"description"`
	Types       []string               `json:"indicator_types"`
	Pattern     string                 `json:"pattern"`
	PatternType string                 `json:"pattern_type"`
	ValidFrom   stamp                  `json:"valid_from"`
	Extensions  map[string]indicatorIn `json:"extensions"`
}

type relationship struct {
	object
	Kind   string `json:"relationship_type"`
	Source string `json:"source_ref"`
	Target string `json:"target_ref"`
}

type sighting struct {
	object
	FirstSeen stamp  `json:"first_seen"`
	LastSeen  stamp  `json:"last_seen"`
	Count     int    `json:"count"`
	Of        string `json:"sighting_of_ref"`
}

type note struct {
	object
	Abstract string   `json:"abstract"`
	Content  string   `json:"content"`
	Refs     []string `json:"object_refs"`
}

// campaignIn is the extension's part in a campaign.
type campaignIn struct {
	ExtensionType string   `json:"extension_type"`
	Score         float64  `json:"score"`
	Accounts      int      `json:"accounts"`
	Prompts       int      `json:"prompts"`
	Log10P        float64  `json:"log10_p"`
	Days          []day    `json:"days"`
	Members       []member `json:"members,omitempty"`
}

type day struct {
	Day         string `json:"day"`
	Prompts     int    `json:"prompts"`
	NewAccounts int    `json:"new_accounts"`
}

type member struct {
	Account    string  `json:"account"`
	Prompts    int     `json:"prompts"`
	Confidence float64 `json:"confidence"`
}

// indicatorIn is the extension's part in an indicator.
type indicatorIn struct {
	ExtensionType string   `json:"extension_type"`
	Key           string   `json:"key"`    // "public", or 16 hex digits that tell keys apart
	Scheme        scheme   `json:"scheme"` // of the sketch
	Sketch        []string `json:"sketch"` // keys of 10 hex digits, ascending
	Accounts      int      `json:"accounts"`
	Prompts       int      `json:"prompts"`
	FixedWords    int      `json:"fixed_words"`
}

type scheme struct {
	Version int `json:"version"` // minhash.Version
	Shingle int `json:"shingle"` // tokens
}

const (
	specVersion       = "2.1"
	propertyExtension = "property-extension"
	patternType       = "chorus"
	home              = "https://github.com/seed-368d3dfa/chorus"
)

// The ids of what is the same in every bundle. Times of these objects are fixed.
var (
	namespace   = uuid5([16]byte{0x6b, 0xa7, 0xb8, 0x11, 0x9d, 0xad, 0x11, 0xd1, 0x80, 0xb4, 0, 0xc0, 0x4f, 0xd4, 0x30, 0xc8}, home) // of URLs, RFC 9562
	identityID  = newID("identity", "chorus")
	extensionID = newID("extension-definition", "1")
	defined     = stamp{time.Date(2026, 6, 1, 0, 0, 0, 0, time.UTC)}
)

// uuid5 is the UUID of version 5 (RFC 9562) of a name.
func uuid5(space [16]byte, name string) (u [16]byte) {
	h := sha1.New()
	h.Write(space[:])
	h.Write([]byte(name))
	copy(u[:], h.Sum(nil))
	u[6], u[8] = u[6]&0x0f|0x50, u[8]&0x3f|0x80
	return u
}

// newID is the id of an object of a type, by what tells it from others.
func newID(kind string, parts ...string) string {
	u := uuid5(namespace, kind+"\x00"+strings.Join(parts, "\x00"))
	s := hex.EncodeToString(u[:])
	return kind + "--" + s[:8] + "-" + s[8:12] + "-" + s[12:16] + "-" + s[16:20] + "-" + s[20:]
}

var idForm = regexp.MustCompile(`^[a-z0-9-]+--[0-9a-f]{8}-[0-9a-f]{4}-[1-8][0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`)
