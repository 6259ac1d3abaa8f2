package index

import (
	"cmp"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"math"
)

// Cursor marks a template's place in the order of Templates, for Filter.After.
func (t *Template) Cursor() string {
	number, _ := parseTemplateID(t.ID)
	return cursor('t', uint64(t.Accounts), uint64(number))
}

// Cursor marks a campaign's place in the order of Campaigns, for Filter.After.
func (c *Campaign) Cursor() string {
	number, _ := parseCampaignID(c.ID)
	return cursor('c', uint64(ranks[c.Status]), uint64(tenths(c.Score)), uint64(c.Accounts), uint64(number))
}

// ranks are the statuses of campaigns in their order.
var ranks = map[string]int{Confirmed: 0, "alert": 1, "watch": 2, Benign: 3}

// tenths is a score as results have it.
func tenths(score float64) int { return int(math.Round(10 * score)) }

func cursor(kind byte, numbers ...uint64) string {
	b := []byte{kind}
	for _, n := range numbers {
		b = binary.AppendUvarint(b, n)
	}
	return base64.RawURLEncoding.EncodeToString(b)
}

// parseCursor reads the n numbers of a cursor; "" has none.
func parseCursor(s string, kind byte, n int) ([]int, error) {
	if s == "" {
		return nil, nil
	}
	b, err := base64.RawURLEncoding.DecodeString(s)
	if err != nil || len(b) == 0 || b[0] != kind {
		return nil, fmt.Errorf("%w: it is of no such list", ErrCursor)
	}
	b = b[1:]
	numbers := make([]int, n)
	for i := range numbers {
		v, size := binary.Uvarint(b)
		if size <= 0 || v > math.MaxInt32 {
			return nil, fmt.Errorf("%w: it is damaged", ErrCursor)
		}
		numbers[i], b = int(v), b[size:]
	}
	if len(b) > 0 {
		return nil, fmt.Errorf("%w: it is damaged", ErrCursor)
	}
	return numbers, nil
}

// A place is where a campaign stands in the order of Campaigns: its status,
// score, accounts and number.
type place [4]int

func (g *gathered) place() place {
	number, _ := parseCampaignID(g.id)
	return place{ranks[g.status], tenths(g.Score), len(g.Accounts), int(number)}
}

// worse compares campaigns in the order of Campaigns.
func worse(a, b place) int {
	return cmp.Or(cmp.Compare(a[0], b[0]), cmp.Compare(b[1], a[1]), cmp.Compare(b[2], a[2]), cmp.Compare(a[3], b[3]))
}

// wider compares templates in the order of Templates.
func wider(a, b pick) int {
	return cmp.Or(cmp.Compare(b.accounts, a.accounts), cmp.Compare(a.t.ID, b.t.ID))
}
