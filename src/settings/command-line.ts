/** The command to run: a line for `/bin/sh -c`, or a program and its arguments. */
export type CommandLine =
  | { readonly kind: 'shell'; readonly line: string }
  | { readonly kind: 'program'; readonly argv: readonly [string, ...string[]] };
