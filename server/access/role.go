package access

import (
	"encoding/json"
	"fmt"
	"strings"
)

// A Role is a set of things that a token may do. Roles can be joined with |.
type Role uint8

// Ingest adds prompts, Read asks, Decide also gives verdicts, Admin may do
// everything.
const (
	Ingest Role = 1 << iota
	Read
	decideOnly
	adminOnly

	Decide = decideOnly | Read
	Admin  = adminOnly | Decide | Ingest
)

var roleNames = []struct {
	role Role
	name string
}{{Admin, "admin"}, {Decide, "decide"}, {Read, "read"}, {Ingest, "ingest"}}

// RoleNames are the names that ParseRole knows.
func RoleNames() []string { return []string{"ingest", "read", "decide", "admin"} }

// ParseRole returns the roles of these names together, or says which it does
// not know.
func ParseRole(names ...string) (Role, error) {
	var r Role
names:
	for _, name := range names {
		for _, known := range roleNames {
			if known.name == name {
				r |= known.role
				continue names
			}
		}
		return 0, fmt.Errorf("access: no role %q: want %s", name, strings.Join(RoleNames(), ", "))
	}
	if r == 0 {
		return 0, fmt.Errorf("access: no role given: want %s", strings.Join(RoleNames(), ", "))
	}
	return r, nil
}

// Has reports whether r includes all of what is needed.
func (r Role) Has(need Role) bool { return r&need == need }

// Names are the fewest names that make r.
func (r Role) Names() []string {
	names := []string{}
	for _, known := range roleNames {
		if r.Has(known.role) {
			names = append(names, known.name)
			r &^= known.role
		}
	}
	return names
}

func (r Role) String() string { return strings.Join(r.Names(), ",") }

// MarshalJSON writes a list of names.
func (r Role) MarshalJSON() ([]byte, error) { return json.Marshal(r.Names()) }

// UnmarshalJSON reads a list of names.
func (r *Role) UnmarshalJSON(b []byte) error {
	var names []string
	if err := json.Unmarshal(b, &names); err != nil {
		return err
	}
	parsed, err := ParseRole(names...)
	*r = parsed
	return err
}
