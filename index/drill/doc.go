// Package drill plants a simulated campaign among real traffic and measures
// how an index fares with it: when it alerts, how many of the accounts it
// recovers, and which alerts the traffic raises by itself.
//
// A [Plan] says what to plant and [Plan.Plant] makes the prompts, the same
// ones for the same plan. [Index.Add] puts them into a copy of an index, or a
// [Mixer] puts them among the prompts of a log by time; [Measure] and [Own]
// then ask the index. Nothing here opens a file.
//
// A drill answers for campaigns like the one that was planted, no others.
//
// [Index.Add]: https://pkg.go.dev/github.com/seed-368d3dfa/chorus/index#Index.Add
package drill
