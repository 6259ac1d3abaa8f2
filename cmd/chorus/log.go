package main

import (
	"io"
	"log/slog"

	"github.com/spf13/cobra"
)

// A logging is what the flags about the log say.
type logging struct{ format, level string }

func (l *logging) flags(cmd *cobra.Command) {
	cmd.Flags().StringVar(&l.format, "log-format", "text", "text or json")
	cmd.Flags().StringVar(&l.level, "log-level", "info", "debug (every request), info, warn or error")
	cobra.CheckErr(cmd.RegisterFlagCompletionFunc("log-format", fixed("text", "json")))
	cobra.CheckErr(cmd.RegisterFlagCompletionFunc("log-level", fixed("debug", "info", "warn", "error")))
}

func (l *logging) logger(w io.Writer) (*slog.Logger, error) {
	var level slog.Level
	if err := level.UnmarshalText([]byte(l.level)); err != nil {
		return nil, usagef("--log-level %q: want debug, info, warn or error", l.level)
	}
	o := &slog.HandlerOptions{Level: level}
	switch l.format {
	case "text":
		return slog.New(slog.NewTextHandler(w, o)), nil
	case "json":
		return slog.New(slog.NewJSONHandler(w, o)), nil
	}
	return nil, usagef("--log-format %q: want text or json", l.format)
}
