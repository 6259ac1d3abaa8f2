// Package minhash turns the text of a prompt into a sketch: a few hundred numbers that say which
// phrases the text holds, so that two prompts, or a prompt and a template, can be compared without
// their words.
//
// Start with [NewScheme] and [NewSketcher], then, for every prompt, [Sketcher.Reset],
// [Sketcher.Add] for each message, and [Sketcher.Sketch]:
//
//	text ─ normalise ─ tokens ─ shingles ─ Sketch{Signature, Sample}
//
// # Normalising
//
// Text is normalised for hashing only; offsets always point into the text as it was given.
// Characters are brought to NFKC and case-folded; default-ignorable ones (zero-width, soft hyphen,
// variation selectors, direction marks) vanish; an apostrophe between two letters vanishes too, so
// don't, don’t and dont are one word; a run of digits of any script becomes one symbol. Tokens are
// the runs of letters, marks and digits that remain; all else separates, invalid UTF-8 included.
// In scripts without spaces (Han, Kana, Thai, Lao, Khmer, Myanmar, …) every character, with the
// marks on it, is a token of its own that counts half.
//
// Letters that look like Latin ones (Unicode TR 39) are folded by word; see lookalike.go for the
// rule.
//
// # Shingles
//
// A message is its tokens between a begin and an end mark, which count as tokens. A shingle is a
// minimal run of consecutive tokens of weight Scheme.Shingle (a half token weighs one half); a
// message that weighs less is one shingle, and one without tokens has none. Shingles never cross
// messages. Their keys are [KeyBits] wide and depend on the scheme's seed.
//
// The fixed words of a template are often cut by its slots into pieces too short for a shingle of
// their own, but layout tells where they begin and end: "Question: {}", "is {} the same as {}".
// So a piece of 3 or 4 tokens between line feeds, colons and quotation marks is shingled as if it
// were a message, too.
//
// Text hidden as base64, hex or percent-encoding is sketched as a message of its own beside the
// visible one; see hidden.go for its bounds.
//
// # What a sketch holds
//
// The sample is FracMinHash (Irber et al., "Lightweight compositional analysis of metagenomes with
// FracMinHash and minimum metagenome covers", 2022): all keys below a threshold. Thresholds nest, so
// the sample of a long prompt can be held against that part of a short one's that lies below its
// threshold: that estimates containment. The signature is Fast Similarity Sketching (Dahlgaard,
// Knudsen, Thorup, FOCS 2017); the share of equal rows estimates the resemblance of two sets (Broder,
// "On the resemblance and containment of documents", 1997) with no more variance than MinHash.
//
// # What it does not do
//
// It reads no files, keeps no sketches and knows no accounts; it does not find paraphrases or
// translations. It never keeps or returns text.
//
// # Compatibility
//
// Sketches compare only when their schemes are equal ([Scheme] values compare with ==). A given
// [Version] gives the same keys in every release, save for characters that Unicode had not assigned
// when a release was built; anything else that changes a key raises the version.
package minhash
