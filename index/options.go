package index

import (
	"log/slog"
	"slices"
	"time"
)

// Options says how to open an index. A nil *Options and the zero value mean
// the defaults. Open copies it.
type Options struct {
	// ReadOnly opens an existing index for queries only; several processes may.
	ReadOnly bool

	// MustExist makes Open fail with ErrMissing instead of creating an index.
	MustExist bool

	// LockTimeout is how long Open waits for another process to let go of the
	// file before it fails with ErrLocked. 0: one second.
	LockTimeout time.Duration

	// SiftBytes is the memory of the sift table, which tells when a shingle is
	// known from enough accounts. 0: 256 MiB. It is taken as it fills up.
	SiftBytes int

	// TemplateBytes is the memory for templates. Beyond it the narrow ones long
	// unseen leave memory for disk and come back when met again; they go on being
	// evidence for campaigns, for which up to a quarter more is taken. 0: 256 MiB.
	TemplateBytes int

	// MemtablePostings bounds the newest prompts held in memory, in postings
	// (about 50 a prompt), before they become a segment. It decides where
	// segments end. 0: 2,000,000, from 400,000 prompts on 3,000,000, and from a
	// million on 4,500,000.
	MemtablePostings int

	// FlagAccounts is the number of accounts within 7 days at which a template
	// is flagged. 0: 20.
	FlagAccounts int

	// NoExemplars keeps no prompt's text at all; templates then have no pattern.
	NoExemplars bool

	// HashAccounts stores a keyed hash in place of every account's id.
	HashAccounts bool

	// PaymentAttrs are the names of prompts' attributes that tell means of payment
	// apart, such as the hash of a card; of each prompt the first that it has counts.
	// Values are hashed with the index's secret. nil: "payment", "card", "billing".
	PaymentAttrs []string

	// KeepAttrs are the names of prompts' attributes whose values templates and
	// campaigns count prompts by, beside the model's, which always are: at most 16,
	// and neither "ip" nor one of PaymentAttrs. The values are stored and shown as
	// they are, so name none that says who a person is. They are at most 64 bytes
	// long and 4,096 altogether; a longer or further one counts as "other". A value
	// is forgotten when the last day with it expires. nil: none but the model.
	KeepAttrs []string

	// Lag lets queries judge templates and campaigns as of some time ago while
	// prompts are coming in, in place of waiting until all are judged as of now:
	// so long, and the time that judging takes; where that is a few milliseconds,
	// hardly at all. Labels and Expire count at once, and so does everything when
	// no prompts came for half a second. 0: as of now.
	Lag time.Duration

	// NoSync leaves it to the operating system when to write: a crash of the
	// machine may then lose or damage everything. For throw-away indexes.
	NoSync bool

	// Observe is told of every commit, seal and merge, from goroutines of the
	// index that wait for it. nil: nothing is.
	Observe func(Work)

	// Logger gets what goes wrong in the background; never prompt text. nil: nothing.
	Logger *slog.Logger
}

func (o *Options) filled() (Options, error) {
	var f Options
	if o != nil {
		f = *o
	}
	set := func(name string, p *int, def, least int) error {
		if *p == 0 {
			*p = def
		}
		if *p < least {
			return badOption(name, "%d; it must be at least %d, or 0 for %d", *p, least, def)
		}
		return nil
	}
	for _, err := range []error{
		set("SiftBytes", &f.SiftBytes, 256<<20, 4<<10),
		set("TemplateBytes", &f.TemplateBytes, 256<<20, 64<<10),
		set("FlagAccounts", &f.FlagAccounts, 20, 2),
	} {
		if err != nil {
			return f, err
		}
	}
	if n := f.MemtablePostings; n != 0 && (n < 1000 || n > 100_000_000) {
		return f, badOption("MemtablePostings", "%d; 1,000 to 100,000,000 can be, or 0", n)
	}
	if f.PaymentAttrs == nil {
		f.PaymentAttrs = []string{"payment", "card", "billing"}
	}
	f.PaymentAttrs = slices.Clone(f.PaymentAttrs)
	if err := checkKeepAttrs(f.KeepAttrs, f.PaymentAttrs); err != nil {
		return f, err
	}
	f.KeepAttrs = slices.Clone(f.KeepAttrs)
	if f.Logger == nil {
		f.Logger = slog.New(slog.DiscardHandler)
	}
	return f, nil
}

// memtablePostings bounds the memtable that follows so many prompts. What has been
// counted in since the last seal is in the file twice once it is sealed, so the
// first ones are small; few large ones are less work.
func (o *Options) memtablePostings(prompts uint64) int {
	switch {
	case o.MemtablePostings > 0:
		return o.MemtablePostings
	case prompts < 400_000:
		return 2_000_000
	case prompts < 1_000_000:
		return 3_000_000
	}
	return 4_500_000
}
