/** A line of the log before it is formatted. Pure. */

export interface Line {
  readonly level: 'error' | 'warn' | 'info' | 'debug';
  readonly message: string;
  readonly fields?: Readonly<Record<string, unknown>>;
}

export function info(message: string, fields?: Line['fields']): Line {
  return fields ? { level: 'info', message, fields } : { level: 'info', message };
}

export function error(message: string, fields?: Line['fields']): Line {
  return { ...info(message, fields), level: 'error' };
}

export function warn(message: string, fields?: Line['fields']): Line {
  return { ...info(message, fields), level: 'warn' };
}

export function debug(message: string, fields?: Line['fields']): Line {
  return { ...info(message, fields), level: 'debug' };
}
