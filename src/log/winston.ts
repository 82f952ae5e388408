/** winston as the log has it: one format, which is ours, and one transport, to whoever prints. */
import { Writable } from 'node:stream';
import { createLogger, format, type Logger, transports } from 'winston';
import type { LogLevel } from '../util/log-level.ts';
import type { Entry } from './log.ts';

/** `print` is given each line without its end. */
export function createWinston(
  level: LogLevel,
  shaped: (entry: Entry) => string,
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
    level,
    format: format.printf((info) => shaped(info as unknown as Entry)),
    transports: [new transports.Stream({ eol: '', stream })],
  });
}
