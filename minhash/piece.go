package minhash

// maxPiece is the most whole tokens of a piece that is shingled by itself: longer ones have shingles of their own.
const maxPiece = 4

// pieces calls f for the shingles of short pieces, which are a few tokens between line feeds, colons and quotation marks: each is
// taken as a message of its own. Text[tokens[i].Start:tokens[i].End] is token i. A text of one piece is a message already.
func (k *Sketcher) pieces(text string, tokens []Token, f func(key uint64, first, last int)) {
	if k.scheme.Version < 2 {
		return
	}
	first, weight := 0, 0
	for i := range tokens {
		if i > 0 && tokens[i].Start > tokens[i-1].End && breaks(text[tokens[i-1].End:tokens[i].Start]) {
			k.piece(tokens, first, i, weight, f)
			first, weight = i, 0
		}
		weight += tokens[i].weight()
	}
	if first > 0 {
		k.piece(tokens, first, len(tokens), weight, f)
	}
}

// piece calls f for the shingles of one piece unless it is too long or too short for one.
func (k *Sketcher) piece(tokens []Token, first, end, weight int, f func(key uint64, first, last int)) {
	const marks = 2 * 2
	if weight > 2*maxPiece || weight+marks < 2*k.scheme.Shingle {
		return
	}
	k.shingles(tokens[first:end], func(key uint64, a, b int) {
		f(key, max(first+a, first), min(first+b, end-1))
	})
}

// breaks reports whether what separates two tokens ends a piece.
func breaks(gap string) bool {
	if gap == " " {
		return false
	}
	for i := range len(gap) {
		switch gap[i] {
		case '\n', '\r', ':', '"':
			return true
		case 0xc2, 0xe2, 0xe3, 0xef:
			r, _ := decode(gap, i)
			switch r {
			case '«', '»', '“', '”', '„', '‟', '「', '」', '『', '』', '：', '＂':
				return true
			}
		}
	}
	return false
}
