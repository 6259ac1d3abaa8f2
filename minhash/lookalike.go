package minhash

import (
	"unicode"
	"unicode/utf8"
)

// Look-alike letters. A word is judged by its letters:
//
//	some Latin letter without a Cyrillic twin → Latin: its other twins become Latin letters
//	else some letter without a Latin twin     → foreign: it stays, and Latin letters in a Cyrillic word become Cyrillic
//	else some twin: "сор", "oн", "а"          → undecided: like the nearest decided words before and after it in the message,
//	                                            if they agree; if not, or without any, a word of twins alone stays and a
//	                                            mixed one is Latin
//
// A word with no letter but Latin ones is always Latin. Words of digits alone and characters of scripts without spaces decide
// nothing. So a shingle's key depends on words outside it only where it holds an undecided word.

// twins pairs case-folded letters with the Latin letters that they, or their capitals, are mistaken for, after the data of
// Unicode TR 39 (confusables.txt).
const twins = "аaвbсcԁdеeнhіiјjкkӏlмmоoрpԛqгrѕsтtуyѵvԝwхxүyһhꙅsԍgьbҽeѡwꙇi" + // Cyrillic
	"αaβbεeζzηnιiκkμmνvοoρpτtυuχxγyωwϳjσo" + // Greek
	"օoսuհhոnցgզqաwյjքpղnտuռnւi" + // Armenian
	"ᎠdᎡrᎢtᎥiᎪaᎫjᎬeᎳwᎷmᎻhᎽyᏀgᏃzᏏbᏒrᏙvᏚsᏞlᏟcᏢpᏦkᏴbᏔwᎩyᎱrᏂhᏕsᏧdᏳg" + // Cherokee, which folds to capitals
	"ⲁaⲃbⲉeⲏhⲓiⲕkⲙmⲛnⲟoⲣpⲥcⲧtⲩyⲭxⳑlⲡnⲅr" + // Coptic
	"ꓐbꓑpꓒdꓓdꓔtꓖgꓗkꓙjꓚcꓜzꓝfꓟmꓠnꓡlꓢsꓣrꓦvꓧhꓪwꓫxꓬyꓮaꓰeꓲiꓳoꓴu" + // Lisu
	"ოoყyჿo" // Georgian

// cyrillicTwins are what Latin letters become in a Cyrillic word.
const cyrillicTwins = "aаbвcсeеhнiіjјkкmмoоpрsѕtтxхyу"

// latinVariants are letters of the Latin script that stand for plain ones: small capitals, dotless and IPA letters. They are
// folded everywhere, as if by case.
const latinVariants = "ıiȷjɑaɡgɩiɪiɴnʀrʏyʙbɢgʜhʟlᴀaᴄcᴅdᴇeᴊjᴋkᴍmᴏoᴘpᴛtᴜuᴠvᴡwᴢzꜰfꜱsꞯq"

var (
	latinOf    = pairs(twins)
	cyrillicOf = pairs(cyrillicTwins)
	plainOf    = pairs(latinVariants)
)

// pairs returns the map from the even letters of s to the odd ones.
func pairs(s string) map[rune]rune {
	m := make(map[rune]rune)
	var from rune
	for _, r := range s {
		if from == 0 {
			from = r
		} else {
			m[from], from = r, 0
		}
	}
	return m
}

// mixed returns the hash of the open word, which holds twins alone or Latin letters and others, and queues the word if it cannot be
// decided yet. plain is its hash as it stands.
func (s *scanner) mixed(plain uint64) uint64 {
	certain := false // a Latin letter without a Cyrillic twin
	cyrillic := false
	s.alt = s.alt[:0]
	for i := 0; i < len(s.buf); {
		r, n := utf8.DecodeRune(s.buf[i:])
		i += n
		switch {
		case 'a' <= r && r <= 'z':
			certain = certain || cyrillicOf[r] == 0
		case unicode.Is(unicode.Latin, r):
			certain = true
		case unicode.Is(unicode.Cyrillic, r):
			cyrillic = true
		}
		if l := latinOf[r]; l != 0 {
			r = l
		}
		s.alt = utf8.AppendRune(s.alt, r)
	}
	asLatin, asForeign := s.hash(s.alt), plain
	if certain {
		s.decide(latin)
		return asLatin
	}
	if s.scripts&(1<<latin) != 0 && cyrillic {
		s.alt = s.alt[:0]
		for i := 0; i < len(s.buf); {
			r, n := utf8.DecodeRune(s.buf[i:])
			i += n
			if c := cyrillicOf[r]; c != 0 {
				r = c
			}
			s.alt = utf8.AppendRune(s.alt, r)
		}
		asForeign = s.hash(s.alt)
	}
	if s.scripts&(1<<foreign) != 0 {
		s.decide(foreign)
		return asForeign
	}
	u := undecided{token: len(s.out), latin: asLatin, foreign: asForeign, unresolved: asForeign}
	if s.scripts&(1<<latin) != 0 {
		u.unresolved = asLatin
	}
	s.waiting = append(s.waiting, u)
	return u.unresolved
}

// decide settles the words that wait between the last decided word and one of the given script; neutral is the message's end.
func (s *scanner) decide(next script) {
	for _, u := range s.waiting {
		before, after := s.before, next
		if before == neutral {
			before = after
		}
		if after == neutral {
			after = before
		}
		h := &s.out[u.token].Hash
		switch {
		case before != after:
			*h = u.unresolved
		case before == latin:
			*h = u.latin
		case before == foreign:
			*h = u.foreign
		}
	}
	s.waiting = s.waiting[:0]
	s.before = next
}
