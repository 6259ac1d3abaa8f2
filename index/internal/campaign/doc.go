// Package campaign tells templates that accounts send in concert from those
// that are merely popular, and gathers the former into campaigns.
//
// Text cannot separate the two; accounts can. Score weighs what a template's
// accounts do (Evidence) against what all accounts do (Population) and keeps
// every factor, raw and worded. Gather makes campaigns of scored templates.
// Significance says how improbable it is that accounts share templates by
// chance; it is shown and never decides.
//
// The package is pure: no I/O, no clock, no randomness that its caller does
// not give. Values are not safe for concurrent change.
package campaign
