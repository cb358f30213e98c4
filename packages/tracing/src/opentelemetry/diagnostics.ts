// What OpenTelemetry's libraries say of themselves → lines of our log, from OTEL_LOG_LEVEL on.
import { diag, DiagLogLevel, type DiagLogger } from '@opentelemetry/api';
import type { Environment, Logger } from '@ofn/core';
import { firstOf, oneOf, variable, type Warn } from '../setting.ts';
import { registeredDiagnostics } from './registration.ts';
import { createThrottle } from './throttle.ts';

const LEVELS = {
  none: DiagLogLevel.NONE,
  error: DiagLogLevel.ERROR,
  warn: DiagLogLevel.WARN,
  info: DiagLogLevel.INFO,
  debug: DiagLogLevel.DEBUG,
  verbose: DiagLogLevel.VERBOSE,
  all: DiagLogLevel.ALL,
} as const;
const LEVEL = oneOf(['none', 'error', 'warn', 'info', 'debug', 'verbose', 'all']);

/**
 * Writes what OpenTelemetry's libraries report to our log; nothing changes where user code has set a
 * logger of its own.
 *
 * @returns Takes the logger away again, unless another has taken its place.
 */
export function routeDiagnostics(env: Environment, log: Logger, warn: Warn): () => void {
  const logLevel = LEVELS[firstOf([variable(env, 'OTEL_LOG_LEVEL', LEVEL)], 'warn', warn)];
  if (registeredDiagnostics() !== undefined) return () => {};
  if (!diag.setLogger(createDiagLogger(log), { logLevel })) return () => {};
  const ours = registeredDiagnostics();
  return () => {
    if (registeredDiagnostics() === ours) diag.disable();
  };
}

function createDiagLogger(log: Logger): DiagLogger {
  const mayWrite = createThrottle();
  const at =
    (level: 'error' | 'warn' | 'info' | 'debug' | 'trace') =>
    (message: string, ...details: readonly unknown[]): void => {
      const text = [message, ...details].flatMap(toText).join(' ');
      // A queue that is full says so for each batch, with another number each time.
      const isSerious = level === 'error' || level === 'warn';
      if (isSerious && !mayWrite(text.replace(/\d+/g, '#'))) return;
      log[level]({ library: 'opentelemetry' }, text);
    };
  return {
    error: at('error'),
    warn: at('warn'),
    info: at('info'),
    debug: at('debug'),
    verbose: at('trace'),
  };
}

/** Spans and bodies of answers are among the details: only what is a line goes into one. */
function toText(detail: unknown): string | readonly string[] {
  if (detail instanceof Error) return detail.message;
  return typeof detail === 'string' ? detail.slice(0, 1000) : [];
}
