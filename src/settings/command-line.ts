/** What is to be run: a line for `/bin/sh -c`, or a program and its arguments as they are. */
export type CommandLine =
  | { readonly kind: 'shell'; readonly line: string }
  | { readonly kind: 'program'; readonly argv: readonly [string, ...string[]] };
