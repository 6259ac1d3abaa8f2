package index

import (
	"context"
	"slices"
	"testing"
)

// What accounts pay with is seen by the attributes that Options name, also
// after a restart from the journal alone.
func TestPayment(t *testing.T) {
	_, prompts := ring(1, 30)
	for _, test := range []struct {
		attr  string
		names []string
		seen  bool
	}{{"card", nil, true}, {"iban", nil, false}, {"iban", []string{"iban"}, true}, {"card", []string{}, false}} {
		path := tempIndex(t)
		o := small()
		o.PaymentAttrs = test.names
		ix := open(t, path, o)
		for i := range prompts {
			prompts[i].Attrs = map[string]string{test.attr: "one for all"}
		}
		addAll(t, ix, prompts, 100)
		factor := func(ix *Index) (f Factor, ok bool) {
			c, err := ix.Campaigns(context.Background(), Filter{Limit: 1})
			if err != nil || len(c) == 0 {
				t.Fatalf("%d campaigns, %v", len(c), err)
			}
			i := slices.IndexFunc(c[0].Factors, func(f Factor) bool { return f.Name == "payment" })
			if i < 0 {
				return f, false
			}
			return c[0].Factors[i], true
		}
		f, ok := factor(ix)
		if ok != test.seen || ok && f.Points <= 0 {
			t.Errorf("attribute %q, options %v: payment is a factor: %v, %+v", test.attr, test.names, ok, f)
		}
		crashed := tempIndex(t)
		settle(t, ix)
		copyFile(t, path, crashed)
		if g, again := factor(open(t, crashed, o)); again != ok || g != f {
			t.Errorf("after a crash payment is %+v, was %+v", g, f)
		}
	}
}
