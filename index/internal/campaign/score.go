package campaign

import (
	"fmt"
	"math"
	"slices"
)

// A Use is how much one account sent of what is scored, and what is known of
// the account besides.
type Use struct {
	Account uint32
	Prompts uint32 // of what is scored
	Traffic uint32 // of the account in all
	First   int32  // day on which the account was first seen
}

// Evidence is what is known of a template's, or a group of templates', use.
type Evidence struct {
	Uses     []Use
	Prompts  int     // of all uses
	Texts    int     // prompts whose texts were compared
	Distinct float64 // different texts among them, estimated
	Openers  int     // accounts whose first prompt of all is one of these
	Networks int     // prompts whose network is known
	Busiest  int     // of them, from the busiest network, estimated
	Payments int     // prompts whose means of payment is known
	Shared   int     // of them, with the most frequent one, estimated
}

// A Factor is one reason for or against.
type Factor struct {
	Name   string
	Value  float64 // raw
	Points float64
	Text   string
}

// scored is one line of the table of factors: points × clip((x-a)/(b-a), 0, 1).
type scored struct {
	name   string
	points float64
	a, b   float64
}

func (s scored) of(x float64) float64 {
	return s.points * min(1, max(0, (x-s.a)/(s.b-s.a)))
}

// The table of factors. Points of the first seven add up to 100, as balance
// gives way to draw where accounts hardly come back; payment was not fitted,
// since scenarios have none.
var (
	emptiness  = scored{"emptiness", 25, .1, .31} // beyond that of a prompt's sender
	balance    = scored{"balance", 30, .52, .34}  // falls with the value
	calm       = scored{"balance", 30, .4, .26}   // without a flood: cut off its heaviest users, and any text's use is more even
	draw       = scored{"draw", 30, .21, .28}     // beyond a sender's emptiness
	focus      = scored{"focus", 10, .07, .33}    // beyond a sender's
	harvesting = scored{"slot harvesting", 25, .5, .95}
	repetition = scored{"repetition", -10, .5, .2} // falls with the value
	cohort     = scored{"cohort", 5, .1, 1}
	spread     = scored{"spread", 5, math.Log(10), math.Log(100)}
	payment    = scored{"payment", 10, .1, .5}
	welcome    = scored{"welcome", -50, .75, .93}
	flood      = scored{"flood", -15, 0, 1} // what is said without one is less sure
	network    = scored{"network", 0, 0, 1} // shown only, unless verdicts taught otherwise
	cautious   = .5                         // standard errors that count against the balance and the draw of few

	rarely, often = 1.2, 1.45 // prompts an account: with the former only draw counts, with the latter only balance
)

// Score weighs evidence against the population, 0 to 100, and returns every
// factor with its points. The factors and their ranges were fitted on labelled
// scenarios; README.md has the figures. A flood by few accounts is left out if
// the others are the worse for it.
func Score(e *Evidence, p *Population) (float64, []Factor) {
	s, _, factors := score(e, p, true)
	return s, factors
}

// Rate is Score without the factors' words, which cost more than the score. It
// also returns the doubt that the score gives the benefit of: by how much more
// it could be, given how little was seen.
func Rate(e *Evidence, p *Population) (points, doubt float64) {
	points, doubt, _ = score(e, p, false)
	return points, doubt
}

func score(e *Evidence, p *Population, words bool) (float64, float64, []Factor) {
	score, doubt, factors := weigh(e, p, balance, words)
	if rest := withoutFlood(e); rest != nil {
		flooded := flood.points * p.Weights.times(flood.name)
		if s, d, f := weigh(rest, p, calm, words); s+flooded > score {
			few := len(e.Uses) - len(rest.Uses)
			return max(0, s+flooded), d, append(f, Factor{Name: flood.name, Value: float64(few), Points: flooded,
				Text: fmt.Sprintf("left out: %d accounts that send far more of it than the others do", few)})
		}
	}
	return score, doubt, factors
}

func weigh(e *Evidence, p *Population, balance scored, words bool) (score, doubt float64, factors []Factor) {
	n := len(e.Uses)
	if n == 0 || p.accounts == 0 {
		return 0, 0, nil
	}
	shares, days := make([]float64, n), make([]int32, n)
	sum, squares, once, most := 0.0, 0.0, 0, uint32(0)
	for i, u := range e.Uses {
		own := min(u.Prompts, u.Traffic)
		shares[i] = float64(own) / float64(max(1, u.Traffic))
		days[i] = u.First
		sum += float64(u.Prompts)
		most = max(most, u.Prompts)
		squares += float64(u.Prompts) * float64(u.Prompts)
		if u.Prompts == 1 {
			once++
		}
	}
	slices.Sort(shares)
	count := float64(n)
	mean := sum / count
	empty, doubtful := p.emptiness(e.Uses)
	chosen := empty - cautious*doubtful
	even, unsure := evenness(e.Uses, mean, squares/count-mean*mean)
	seldom := min(1, max(0, (often-mean)/(often-rarely)))
	distinct := 0.0
	if e.Texts > 0 {
		distinct = min(1, e.Distinct/float64(e.Texts))
	}
	opening := min(1, float64(e.Openers)/count) // variants of a family each have openers
	single := min(1, max(0, (float64(once)/count-.8)/.15))
	together, here, everywhere := p.cohort(days)
	median := (shares[(n-1)/2] + shares[n/2]) / 2

	usual, alone := p.sender()

	joined := cohort.factor(false, together, "", 0)
	if words {
		joined.Text = fmt.Sprintf("%.0f %% of its accounts were first seen within one week, as %.0f %% of all accounts were", 100*here, 100*everywhere)
	}
	factors = []Factor{
		emptiness.factor(words, empty, "members send little else: on average %.0f %% of all accounts send more than they do beside it", 100*empty),
		balance.factor(words, even, "how unevenly its accounts send it: %.2f, where prompts dealt out in turn have 0 and a popular text has 1 or more", even),
		draw.factor(words, chosen, "hardly anyone sends it again, and its accounts are no busier than any others: %.0f %% of all accounts send more, allowing for how few these are", 100*chosen),
		focus.factor(words, median, "half of the members spend at least %.0f %% of their prompts on it", 100*median),
		harvesting.factor(words, distinct, "%.0f %% of its prompts differ in what fills the slots", 100*distinct),
		joined,
		spread.factor(words, math.Log(count), "%.0f accounts send it", count),
	}
	factors[0].Points = emptiness.of(beyond(empty, usual))
	factors[2].Points = draw.of(beyond(chosen, usual))
	factors[3].Points = focus.of(beyond(median, alone))
	dealt, drawn := &factors[1].Points, &factors[2].Points
	asDealt, asDrawn := p.Weights.times(balance.name)*(1-seldom), p.Weights.times(draw.name)*seldom
	*dealt = asDealt * balance.of(even+cautious*unsure)
	*drawn *= asDrawn // what comes once from everyone was not dealt out, yet popular texts come from busy accounts first
	doubt = asDealt*balance.of(even-unsure) - *dealt + asDrawn*draw.points - *drawn
	if same := repetition.factor(words, distinct, "only %.0f %% of its prompts differ: who harvests asks for something else each time", 100*distinct); same.Points < 0 && e.Texts > 0 {
		factors = append(factors, same)
	}
	w := welcome.factor(words, opening, "it is the very first prompt of %.0f %% of its accounts, as samples shown to newcomers are", 100*opening)
	w.Points *= single // accounts that come back to it are not merely welcomed
	if w.Points == 0 {
		w.Points = 0 // and not -0
	}
	factors = append(factors, w)
	if e.Networks > 0 && (words || p.Weights.Labels > 0) {
		top := float64(e.Busiest) / float64(e.Networks)
		factors = append(factors, network.factor(words, top, "%.0f %% of its prompts come from the busiest network", 100*top))
	}
	if e.Payments > 0 {
		// The busiest account has one means of payment whatever the others have.
		shared := max(0, float64(e.Shared)/float64(e.Payments)-float64(most)/sum)
		factors = append(factors, payment.factor(words, shared, "%.0f %% of its prompts share a means of payment with another account's", 100*shared))
	}
	factors = p.Weights.weigh(factors, words)
	for _, f := range factors {
		score += f.Points
	}
	return min(100, max(0, score)), doubt, factors
}

// beyond is how much of what is missing to 1 a share has beyond what is usual:
// where all accounts send little, it says little that some do.
func beyond(x, usual float64) float64 {
	const least = .25 // where nearly all is usual, the rest is no measure
	return (x - usual) / max(least, 1-usual)
}

// evenness is the squared coefficient of variation of the prompts of accounts,
// given their mean and variance, over the coefficient that users give who come
// back with the same probability after every prompt: a geometric distribution,
// whose squared coefficient is 1-1/mean. It is about 1 and more for popularity,
// and about 0 for prompts dealt out in turn; few prompts an account vary little,
// whoever deals them, hence the correction. It comes with its standard error, by
// its influence function.
func evenness(uses []Use, mean, variance float64) (even, unsure float64) {
	count := float64(len(uses))
	if count < 2 || mean <= 1 {
		return 0, 0
	}
	of := 1 / math.Sqrt(1-1/mean)
	squared := variance * count / (count - 1) / (mean * mean)
	for _, u := range uses {
		d := float64(u.Prompts)/mean - 1
		f := d*d - squared - 2*squared*d
		unsure += f * f
	}
	return of * squared, of * math.Sqrt(unsure) / count
}

func (s scored) factor(words bool, x float64, text string, shown float64) Factor {
	f := Factor{Name: s.name, Value: x, Points: s.of(x)}
	if words {
		f.Text = fmt.Sprintf(text, shown)
	}
	return f
}
