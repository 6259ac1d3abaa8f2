// Package store keeps an index in one bbolt file. Open opens it; Append
// journals what has been accepted, Seal turns a full memtable into a segment and cuts the
// journal, Merge and Expire keep the file in shape, and View reads: records,
// signatures, postings, and tables of records that the store does not know the
// meaning of. format.go specifies the file.
//
// Postings are a sharded log-structured merge tree: each segment adds one sorted run a
// kind of key and shard, and eight runs of a level become one of the next
// (O'Neil et al., "The log-structured merge-tree", 1996, with tiers in place of levels).
// What a seal changes of the tables about templates is a sorted layer upon their trees, and eight
// layers are folded into the trees at once.
//
// What a method that writes has returned without an error for survives the
// process's death at any moment, and the machine's unless Options.NoSync. What a file's
// damage does is return an error that wraps ErrDamaged: it does not panic.
//
// The package knows nothing of prompts' texts, templates or time, and nobody
// but its parent uses it: it promises no compatibility, but for its file.
package store
