package minhash

// A Shingle is a run of consecutive tokens.
type Shingle struct {
	Key         uint64
	First, Last int // indices of its first and last token; -1 for the begin mark, the number of tokens for the end mark
}

// Shingles appends the shingles of one message in the order of the text, repeated ones included, and then those of its short pieces
// in the same order. Their keys are those that Add takes from the text as it stands; text hidden in it is not decoded.
func (k *Sketcher) Shingles(dst []Shingle, text string) []Shingle {
	k.tokens = k.scan.tokens(k.tokens[:0], text)
	return k.ShinglesOf(dst, text, k.tokens)
}

// ShinglesOf is Shingles of a text whose Tokens are known.
func (k *Sketcher) ShinglesOf(dst []Shingle, text string, tokens []Token) []Shingle {
	put := func(key uint64, first, last int) { dst = append(dst, Shingle{key, first, last}) }
	k.shingles(tokens, put)
	k.pieces(text, tokens, put)
	return dst
}

func (k *Sketcher) appendKeys(dst []uint64, text string, tokens []Token) []uint64 {
	put := func(key uint64, _, _ int) { dst = append(dst, key) }
	k.shingles(tokens, put)
	k.pieces(text, tokens, put)
	return dst
}

// shingleBase is the base of the polynomial over a shingle's token hashes, modulo 2^64.
const shingleBase = 0x9e3779b97f4a7c15

// shinglePowers returns powers of shingleBase, one for each token that a window can hold.
func shinglePowers(shingle int) []uint64 {
	p := make([]uint64, 2*shingle+2)
	p[0] = 1
	for i := 1; i < len(p); i++ {
		p[i] = p[i-1] * shingleBase
	}
	return p
}

// shingles calls f for every minimal run of tokens, marks included, of the weight of a shingle.
func (k *Sketcher) shingles(tokens []Token, f func(key uint64, first, last int)) {
	if len(tokens) == 0 {
		return
	}
	at := func(i int) (hash uint64, weight int) {
		switch {
		case i < 0:
			return k.secrets.begin, 2
		case i == len(tokens):
			return k.secrets.end, 2
		}
		return tokens[i].Hash, tokens[i].weight()
	}
	full := 2 * k.scheme.Shingle
	sum, weight, first, found := uint64(0), 0, -1, false
	for last := -1; last <= len(tokens); last++ {
		hash, added := at(last)
		sum = sum*shingleBase + hash
		weight += added
		for {
			hash, w := at(first)
			if weight-w < full {
				break
			}
			sum -= hash * k.powers[last-first]
			weight -= w
			first++
		}
		// A run that is long enough without its last token was found before.
		if weight >= full && weight-added < full {
			f(k.key(sum, last-first+1), first, last)
			found = true
		}
	}
	if !found {
		f(k.key(sum, len(tokens)+2), -1, len(tokens))
	}
}

func (k *Sketcher) key(sum uint64, tokens int) uint64 {
	return mix((sum+uint64(tokens))^k.secrets.shingle) >> (64 - KeyBits)
}
