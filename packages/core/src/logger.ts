// Structured logs through pino: JSON lines, or readable ones on a developer's terminal.
import { createRequire } from 'node:module';
import type { Writable } from 'node:stream';
import type { Logger as PinoLogger, pino as Pino } from 'pino';
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

/** Where log lines go, and which. */
export interface LoggerOptions {
  /** Lowest level written. Default `info`. */
  readonly level?: LogLevel;
  /** One line for people per entry, instead of JSON. Default `false`. */
  readonly readable?: boolean;
  /** Default: standard output. */
  readonly stream?: Writable;
}

/**
 * Creates the root logger.
 *
 * pino is loaded by the first line that is written: a cold start answers its first call before.
 */
export function createLogger(options: LoggerOptions): Logger {
  const { level = 'info' } = options;
  const lowest = LOG_LEVELS.indexOf(level);
  let root: PinoLogger | undefined;

  function toLogger(resolve: () => PinoLogger): Logger {
    const methods = LOG_LEVELS.slice(0, -1).map((name, rank) => [
      name,
      rank < lowest ? ignore : (...args: [string]) => resolve()[name](...args),
    ]);
    return {
      ...(Object.fromEntries(methods) as Omit<Logger, 'child'>),
      child(fields) {
        let child: PinoLogger | undefined;
        return toLogger(() => (child ??= resolve().child(fields)));
      },
    };
  }

  return toLogger(() => (root ??= createPino(options)));
}

function ignore(): void {}

function createPino({ level = 'info', readable = false, stream }: LoggerOptions): PinoLogger {
  const require = createRequire(import.meta.url);
  const { pino } = require('./pino.cjs') as { pino: typeof Pino };
  const settings = {
    level,
    base: null,
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label: string) => ({ level: label }) },
    // What a logged request or response shows; without them pino writes the whole object, and every
    // header in its raw form.
    serializers: {
      req: pino.stdSerializers.req,
      res: pino.stdSerializers.res,
      err: pino.stdSerializers.err,
    },
    redact: { paths: SECRET_PATHS, censor: '[redacted]' },
  };
  // Synchronous writes: a line written before a crash or an exit is never lost.
  if (!readable) return pino(settings, stream ?? pino.destination({ dest: 1, sync: true }));
  const pretty = require('pino-pretty') as typeof PinoPretty;
  return pino(
    settings,
    pretty({
      colorize: stream === undefined && process.stdout.isTTY,
      sync: true,
      singleLine: true,
      translateTime: 'SYS:HH:MM:ss.l',
      ...(stream === undefined ? {} : { destination: stream }),
    }),
  );
}
