package main

import (
	"log/slog"
	"os"

	"github.com/spf13/cobra"

	"github.com/seed-368d3dfa/chorus/index"
	"github.com/seed-368d3dfa/chorus/server/webhook"
)

// webhookSecret is an environment variable, and no flag: others see the flags
// of a process.
const webhookSecret = "CHORUS_WEBHOOK_SECRET"

// hooking is who is told of flags.
type hooking struct {
	urls       []string
	secretFile string
	file       string
	tries      int
}

func (h *hooking) flags(cmd *cobra.Command) {
	f := cmd.Flags()
	f.StringArrayVar(&h.urls, "webhook", nil, "post flags to this address; may be given several times")
	f.StringVar(&h.secretFile, "webhook-secret-file", "", "file with the secret of --webhook, in place of "+webhookSecret)
	f.StringVar(&h.file, "webhooks", "", "file with a JSON array of webhooks")
	f.Var(atLeast(&h.tries, 12, 1), "webhook-tries", "attempts before a delivery is given up; 12 take about two days")
}

// start delivers to hooks; without any it only answers that there are none.
func (h *hooking) start(ix *index.Index, db string, log *slog.Logger) (*webhook.Sender, error) {
	var hooks []webhook.Hook
	if h.file != "" {
		var err error
		if hooks, err = webhook.ReadFile(h.file); err != nil {
			return nil, usagef("%w", err)
		}
	}
	for _, u := range h.urls {
		hook := webhook.Hook{URL: u, SecretFile: h.secretFile}
		if h.secretFile == "" {
			hook.Secret = os.Getenv(webhookSecret)
		}
		hooks = append(hooks, hook)
	}
	if err := webhook.Check(hooks); err != nil {
		return nil, usagef("%w", err)
	}
	return webhook.Start(ix, webhook.Options{Hooks: hooks, State: db + ".webhooks", Tries: h.tries, Logger: log})
}
