/** How loud a word to the log is. */

/** From the gravest on: who wants to hear of one level hears of those before it. */
export const LOG_LEVELS = ['error', 'warn', 'info', 'debug'] as const;

export type LogLevel = (typeof LOG_LEVELS)[number];

/** Where a part of lockex says what people may want to know; it decides nothing. */
export type LogFunction = (level: LogLevel, message: string) => void;
