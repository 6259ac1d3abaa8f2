// Package index finds the prompts and the prompt templates that many accounts
// of an LLM service share. Call [Open] first, then [Index.Add] for every
// prompt, or [Index.Submit] to load a log.
//
// [Index.Templates] lists what many accounts send, each with its accounts
// counted exactly in any window of days, its prompts and a readable pattern;
// [Index.Campaigns] groups templates whose accounts act together, and scores
// them with every reason; [Index.Label] takes people's verdicts; [Index.Flags]
// follows the moments at which a template reached enough accounts or a campaign
// its score; [Index.Similar] answers who sent something like a text.
//
// A template is found by content sifting (Singh, Estan, Varghese, Savage,
// "Automated Worm Fingerprinting", OSDI 2004): shingles that come from three
// accounts are its core, and a prompt belongs to it that contains 60 % of the
// core. What an Add reports durable is in the file; a process that dies at any
// moment loses nothing of it.
//
// An index is one file that one process writes. All methods of an Index may be
// called concurrently. Windows, flags and expiry follow the prompts' own time,
// not the clock's.
//
// The package does not keep prompts' texts, save up to six exemplars a
// template ([Options].NoExemplars: none); scores say what accounts do, and leave
// it to people what that is; it serves no network and writes no log but to
// Options.Logger.
//
// Compatibility: within a major version exported names keep their meaning,
// and a file written by one release is read by every later one. A file written
// by a later release may be refused with [ErrVersion] or [ErrScheme], never
// misread.
package index
