package campaign

import (
	"math"
	"slices"
)

// A Population is what all accounts do: how many prompts they sent, and when
// each was first seen. It is kept up to date prompt by prompt.
type Population struct {
	accounts int
	more     [maxTraffic + 1]int32 // accounts that sent more than so many prompts
	days     []int32               // accounts by day first seen, from firstDay on
	firstDay int32

	Weights Weights // that scores are to be made with
}

// Snapshot returns a copy.
func (p *Population) Snapshot() *Population {
	c := *p
	c.days = slices.Clone(p.days)
	return &c
}

// maxTraffic is the number of prompts beyond which accounts count as equal.
const maxTraffic = 1023

// Count notes that an account first seen on a day sends its nth prompt.
func (p *Population) Count(n uint32, day int32) {
	if n == 1 {
		p.accounts++
		p.seen(day, 1)
	}
	if n <= maxTraffic {
		p.more[n-1]++
	}
}

// Move notes that an account was first seen on another day than believed.
func (p *Population) Move(from, to int32) {
	if from != to {
		p.seen(from, -1)
		p.seen(to, 1)
	}
}

// Put adds an account with n prompts, first seen on a day.
func (p *Population) Put(n uint32, day int32) {
	p.accounts++
	p.seen(day, 1)
	for v := range min(n, maxTraffic) {
		p.more[v]++
	}
}

const maxDays = 4000 // of first-seen times that are told apart

func (p *Population) seen(day int32, n int32) {
	if len(p.days) == 0 {
		p.firstDay = day
	}
	if day < p.firstDay {
		shift := min(int(p.firstDay-day), maxDays)
		p.days = append(make([]int32, shift), p.days...)
		p.firstDay -= int32(shift)
	}
	i := max(0, min(int(day-p.firstDay), maxDays-1))
	for len(p.days) <= i {
		p.days = append(p.days, 0)
	}
	p.days[i] += n
}

// exceed returns the share of accounts that sent more than v prompts.
func (p *Population) exceed(v uint32) float64 {
	return float64(p.more[min(v, maxTraffic)]) / float64(max(1, p.accounts))
}

// sender describes who sends a prompt at random: the mean share of accounts
// that exceed the rest of its sender's traffic, and which share of the traffic of
// half of the senders, at least, one prompt is. Busy accounts send more prompts,
// so both are small where traffic is uneven, and large where all send little. As
// long as prompts are few it leans on what is usual elsewhere: the first prompts
// of an index may all be a campaign's.
func (p *Population) sender() (empty, focus float64) {
	prompts, sum := 0.0, 0.0
	for v := uint32(1); v <= maxTraffic+1; v++ {
		of := p.sending(v)
		prompts += of
		sum += of * p.exceed(v-1)
	}
	half := 0.0
	for v := uint32(1); v <= maxTraffic+1 && prompts > 0; v++ {
		if half += p.sending(v); 2*half >= prompts {
			focus = prompts / float64(v)
			break
		}
	}
	return (sum + elsewhere*usualEmpty) / (prompts + elsewhere), (focus + elsewhere*usualFocus) / (prompts + elsewhere)
}

// What a prompt's sender is in a service of very uneven use, which counts as so
// many prompts.
const (
	usualEmpty = .16
	usualFocus = .03
	elsewhere  = 500
)

// sending returns the number of prompts of all accounts that sent just so many.
func (p *Population) sending(v uint32) float64 {
	n := p.more[v-1]
	if v <= maxTraffic {
		n -= p.more[v]
	}
	return float64(n) * float64(v)
}

// cohort returns the largest Kullback-Leibler divergence, in nats, over
// windows of 7 days, of the share of accounts first seen in the window: that
// of a group, whose first-seen days are given, from the population's; with both
// shares in that window.
func (p *Population) cohort(days []int32) (most, here, everywhere float64) {
	if len(days) == 0 || len(p.days) == 0 {
		return 0, 0, 0
	}
	last := len(p.days) // Move may leave days empty at the end
	for last > 1 && p.days[last-1] == 0 {
		last--
	}
	group := make([]int32, last)
	for _, d := range days {
		group[max(0, min(int(d-p.firstDay), last-1))]++
	}
	const window = 7
	all, mine := int32(0), int32(0)
	for i := range last {
		all, mine = all+p.days[i], mine+group[i]
		if i >= window {
			all, mine = all-p.days[i-window], mine-group[i-window]
		}
		q, x := float64(all)/float64(p.accounts), float64(mine)/float64(len(days))
		if x > q && q > 0 {
			kl := x * math.Log(x/q)
			if x < 1 {
				kl += (1 - x) * math.Log((1-x)/(1-q))
			}
			if kl > most {
				most, here, everywhere = kl, x, q
			}
		}
	}
	return most, here, everywhere
}
