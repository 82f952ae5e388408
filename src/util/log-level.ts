/** Levels of the log. */

/** Most severe first: each level includes those before it. */
export const LOG_LEVELS = ['error', 'warn', 'info', 'debug'] as const;

export type LogLevel = (typeof LOG_LEVELS)[number];

/** Passed to the parts of lockex that log. */
export type LogFunction = (level: LogLevel, message: string) => void;
