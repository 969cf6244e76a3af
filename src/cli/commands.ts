// The subcommands of `wasmpay`.

/** A subcommand. */
export interface Command {
  readonly usage: string;
  /** Gives the exit code. */
  readonly run: (args: readonly string[]) => Promise<number>;
}

/** By name, in the order in which help lists them. Loaded when asked for: jco alone takes most of a second. */
export const COMMANDS: Readonly<Record<string, () => Promise<Command>>> = {
  new: async () => (await import('./new.ts')).newCommand,
  build: async () => (await import('./build.ts')).buildCommand,
  test: async () => (await import('./test.ts')).testCommand,
  bench: async () => (await import('./bench.ts')).benchCommand,
  dev: async () => (await import('./dev.ts')).devCommand,
  prompt: async () => (await import('./prompt.ts')).promptCommand,
  deploy: async () => (await import('./deploy.ts')).deployCommand,
  mcp: async () => (await import('./mcp.ts')).mcpCommand,
  compose: async () => (await import('./compose.ts')).composeCommand,
  inspect: async () => (await import('./inspect.ts')).inspectCommand,
  publish: async () => (await import('./publish.ts')).publishCommand,
  activate: async () => (await import('./activate.ts')).activateCommand,
  apply: async () => (await import('./apply.ts')).applyCommand,
  'no-validator': async () => (await import('./no-validator.ts')).noValidatorCommand,
  rollback: async () => (await import('./rollback.ts')).rollbackCommand,
  disable: async () => (await import('./switch.ts')).disableCommand,
  enable: async () => (await import('./switch.ts')).enableCommand,
  renew: async () => (await import('./renew.ts')).renewCommand,
  rebuild: async () => (await import('./rebuild.ts')).rebuildCommand,
  history: async () => (await import('./history.ts')).historyCommand,
  show: async () => (await import('./history.ts')).showCommand,
  diff: async () => (await import('./diff.ts')).diffCommand,
  gc: async () => (await import('./gc.ts')).gcCommand,
  processors: async () => (await import('./processors.ts')).processorsCommand,
  keys: async () => (await import('./keys.ts')).keysCommand,
  completions: async () => (await import('./completions.ts')).completionsCommand,
  serve: async () => (await import('./serve.ts')).serveCommand,
};
