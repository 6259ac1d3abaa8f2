package campaign

import "math"

// Bystanders reports whether accounts that send only one of a campaign's
// templates are as busy as the senders of any prompt are, while those who send
// another besides are plainly less so. A campaign's accounts are alike, whichever
// of its templates each happens to send.
func Bystanders(only, also []Use, p *Population) bool {
	const (
		least = 8  // accounts of each kind
		usual = 2. // standard errors by which bystanders may send less than is usual
		apart = 3. // and by which the others must send less than they do
	)
	if len(only) < least || len(also) < least {
		return false
	}
	a, unsure := p.emptiness(only)
	b, unsureToo := p.emptiness(also)
	any, _ := p.sender()
	return a <= any+usual*unsure && b-a >= apart*math.Hypot(unsure, unsureToo)
}

// emptiness is the mean share of accounts that send more than these do beside
// their uses, with its standard error.
func (p *Population) emptiness(uses []Use) (mean, unsure float64) {
	n, sum, squares := float64(len(uses)), 0.0, 0.0
	for _, u := range uses {
		x := p.exceed(u.Traffic - min(u.Prompts, u.Traffic))
		sum, squares = sum+x, squares+x*x
	}
	mean = sum / n
	return mean, math.Sqrt(max(0, squares/n-mean*mean) / n)
}
