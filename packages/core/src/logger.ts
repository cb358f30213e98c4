// Structured logs through pino: JSON lines, or readable ones on a developer's terminal.
import { createRequire } from 'node:module';
import type { Writable } from 'node:stream';
import { pino } from 'pino';
import type { PinoPretty } from 'pino-pretty';

/** The levels in rising order of severity; `silent` writes nothing. */
export const LOG_LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

interface LogMethod {
  (message: string): void;
  (fields: object, message?: string): void;
}

/**
 * What `ctx.log` and `req.log` offer; a subset of pino's logger.
 *
 * @example
 * req.log.info({ orderId: 7 }, 'order accepted');
 */
export interface Logger {
  readonly trace: LogMethod;
  readonly debug: LogMethod;
  readonly info: LogMethod;
  readonly warn: LogMethod;
  readonly error: LogMethod;
  readonly fatal: LogMethod;
  /** A logger that adds these fields to each of its lines. */
  child(fields: Record<string, unknown>): Logger;
}

// What must not reach a log even when a user logs a whole request or its headers.
const SECRET_PATHS = ['authorization', 'cookie', 'set-cookie', 'dapr-api-token'].flatMap((name) => [
  `headers["${name}"]`,
  `req.headers["${name}"]`,
]);

/**
 * Creates the root logger. Lines go to `stream`, by default standard output.
 *
 * @param options.level Lowest level written. Default `info`.
 * @param options.readable One coloured line per entry instead of JSON. Default `false`.
 */
export function createLogger(options: {
  level?: LogLevel;
  readable?: boolean;
  stream?: Writable;
}): Logger {
  const { level = 'info', readable = false, stream } = options;
  const settings = {
    level,
    base: null,
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label: string) => ({ level: label }) },
    serializers: { err: pino.stdSerializers.err },
    redact: { paths: SECRET_PATHS, censor: '[redacted]' },
  };
  // Synchronous writes: a line written before a crash or an exit is never lost.
  if (!readable) return pino(settings, stream ?? pino.destination({ dest: 1, sync: true }));
  // Loaded for developers only; a function in production never pays for it.
  const pretty = createRequire(import.meta.url)('pino-pretty') as typeof PinoPretty;
  return pino(
    settings,
    pretty({
      colorize: stream === undefined && process.stdout.isTTY === true,
      sync: true,
      translateTime: 'SYS:HH:MM:ss.l',
      ignore: 'pid,hostname',
      ...(stream === undefined ? {} : { destination: stream }),
    }),
  );
}
