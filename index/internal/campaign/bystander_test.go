package campaign

import "testing"

// TestBystanders deals a text out to a campaign's accounts, of which some send
// it only, and to people at random.
func TestBystanders(t *testing.T) {
	wrong, missed, rounds := 0, 0, uint64(400)
	for seed := range rounds {
		rng := newRand(seed)
		p := crowd(rng, 2000, 40)
		sender := func() Use { // of a prompt at random
			for {
				if n := 1 + int(5*rng.ExpFloat64()*rng.ExpFloat64()); rng.IntN(300) < n { // as in crowd
					return Use{Prompts: 1, Traffic: uint32(n)}
				}
			}
		}
		member := func() Use { return Use{Prompts: uint32(1 + rng.IntN(2)), Traffic: uint32(2 + rng.IntN(3))} }
		many := func(n int, of func() Use) (uses []Use) {
			for range n {
				uses = append(uses, of())
			}
			return uses
		}
		if Bystanders(many(30, member), many(100, member), p) {
			wrong++
		}
		if !Bystanders(many(30, sender), many(100, member), p) {
			missed++
		}
		if Bystanders(many(30, sender), many(100, sender), p) { // a campaign of accounts as busy as any
			wrong++
		}
		if Bystanders(many(7, sender), many(100, member), p) || Bystanders(many(30, sender), many(7, member), p) {
			t.Error("a judgement on seven accounts")
		}
	}
	if wrong > 2*int(rounds)/100 || missed > int(rounds)/20 {
		t.Errorf("of %d: %d members taken for bystanders, %d times bystanders for members", rounds, wrong, missed)
	}
}
