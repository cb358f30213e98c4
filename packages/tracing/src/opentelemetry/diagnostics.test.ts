import { diag, DiagLogLevel, type DiagLogger } from '@opentelemetry/api';
import { afterEach, expect, test, vi } from 'vitest';
import { routeDiagnostics } from './diagnostics.ts';
import { createLines } from '../lines.fixture.ts';

afterEach(() => {
  diag.disable();
  vi.useRealTimers();
});

function route(env: Record<string, string> = {}): {
  unroute: () => void;
  lines: ReturnType<typeof createLines>['lines'];
} {
  const { log, lines } = createLines();
  const unroute = routeDiagnostics(env, log, (message) => log.warn(message));
  return { unroute, lines };
}

/** A logger of user code. */
function createTheirs(): DiagLogger & { readonly errors: readonly string[] } {
  const errors: string[] = [];
  const ignore = (): void => {};
  return {
    errors,
    error: (message) => errors.push(message),
    warn: ignore,
    info: ignore,
    debug: ignore,
    verbose: ignore,
  };
}

test.each([
  ['none', []],
  ['error', ['error']],
  ['', ['error', 'warn']],
  ['info', ['error', 'warn', 'info']],
  ['DEBUG', ['error', 'warn', 'info', 'debug']],
  ['all', ['error', 'warn', 'info', 'debug', 'trace']],
])('OTEL_LOG_LEVEL=%s writes %j', (level, written) => {
  const { lines } = route({ OTEL_LOG_LEVEL: level });
  diag.error('one');
  diag.warn('two');
  diag.info('three');
  diag.debug('four');
  diag.verbose('five');
  // The API itself says at this level that a logger is registered.
  const ours = lines.filter(({ message }) => !message.startsWith('@opentelemetry/api'));
  expect(ours.map(({ level }) => level)).toEqual(written);
});

test.each(['loud', 'constructor', '__proto__', 'toString'])(
  'the level %s is not known, and is warned of by name',
  (level) => {
    const { lines } = route({ OTEL_LOG_LEVEL: level });
    diag.info('below the default');
    expect(lines.map(({ message }) => message)).toEqual([
      `OTEL_LOG_LEVEL: "${level}" is not one of none, error, warn, info, debug, verbose, all, warn is used`,
    ]);
  },
);

test('writes the message and what is a line among the details', () => {
  const { lines } = route();
  diag.error('failed', new Error('no route'), { spans: ['large'] }, Buffer.from('body'), 'why');
  expect(lines).toEqual([
    { level: 'error', fields: { library: 'opentelemetry' }, message: 'failed no route why' },
  ]);
});

test('writes one line of a kind in a minute, whatever number is in it', () => {
  vi.useFakeTimers();
  const { lines } = route();
  for (let count = 0; count < 5; count++) diag.warn(`Dropped ${count} spans`);
  diag.warn('another');
  expect(lines.map(({ message }) => message)).toEqual(['Dropped 0 spans', 'another']);
  vi.advanceTimersByTime(60_000);
  diag.warn('Dropped 9 spans');
  expect(lines).toHaveLength(3);
});

test('leaves a logger of user code in place, before and after', () => {
  const theirs = createTheirs();
  diag.setLogger(theirs, DiagLogLevel.ALL);
  const { lines, unroute } = route();
  diag.error('for them');
  unroute();
  diag.error('still for them');
  expect(lines).toEqual([]);
  expect(theirs.errors).toEqual(['for them', 'still for them']);
});

test('takes only its own logger away', () => {
  const { unroute, lines } = route();
  const theirs = createTheirs();
  diag.setLogger(theirs, { logLevel: DiagLogLevel.ALL, suppressOverrideMessage: true });
  unroute();
  diag.error('for them');
  expect(theirs.errors).toEqual(['for them']);

  diag.disable();
  const again = route();
  again.unroute();
  diag.error('for nobody');
  expect([...lines, ...again.lines]).toEqual([]);
});
