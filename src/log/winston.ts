/** winston with the log's levels, one format and one transport: a stream that calls a function. */
import { Writable } from 'node:stream';
import { createLogger, format, type Logger, transports } from 'winston';
import { LOG_LEVELS, type LogLevel } from '../util/log-level.ts';
import { type Entry, type EntryFormat, formatEntry } from './entry.ts';

/** `print` receives each line without its end. */
export function createWinston(
  level: LogLevel,
  options: EntryFormat,
  print: (line: string) => void,
): Logger {
  const stream = new Writable({
    decodeStrings: false,
    write(line: string, _encoding, done) {
      print(line);
      done();
    },
  });
  return createLogger({
    levels: Object.fromEntries(LOG_LEVELS.map((name, severity) => [name, severity])),
    level,
    format: format.printf((info) => formatEntry(info as unknown as Entry, options)),
    transports: [new transports.Stream({ eol: '', stream })],
  });
}
