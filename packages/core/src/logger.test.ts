// Log lines: their fields, their level, what never reaches them, and the readable form.
import { PassThrough } from 'node:stream';
import { describe, expect, test } from 'vitest';
import { LOG_LEVELS, createLogger, type Logger, type LoggerOptions } from './logger.ts';

function capture(options: Omit<LoggerOptions, 'stream'> = {}): {
  log: Logger;
  lines: () => Record<string, unknown>[];
  text: () => string;
} {
  const stream = new PassThrough();
  const chunks: Buffer[] = [];
  stream.on('data', (chunk: Buffer) => chunks.push(chunk));
  const text = (): string => Buffer.concat(chunks).toString();
  return {
    log: createLogger({ ...options, stream }),
    text,
    lines: () =>
      text()
        .split('\n')
        .filter((line) => line !== '')
        .map((line) => JSON.parse(line) as Record<string, unknown>),
  };
}

const NAMES = LOG_LEVELS.slice(0, -1) as Exclude<(typeof LOG_LEVELS)[number], 'silent'>[];

describe('a line', () => {
  test('is JSON with an ISO time, the name of the level, the fields and the message', () => {
    const { log, lines } = capture();
    log.info({ orderId: 7 }, 'order accepted');
    expect(lines()).toEqual([
      {
        level: 'info',
        time: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/),
        orderId: 7,
        msg: 'order accepted',
      },
    ]);
  });

  test('may be a message alone, or fields alone', () => {
    const { log, lines } = capture();
    log.info('started');
    log.info({ port: 8080 });
    expect(lines()).toEqual([
      expect.objectContaining({ msg: 'started' }),
      expect.objectContaining({ port: 8080 }),
    ]);
  });

  test('holds type, message and stack of an error', () => {
    const { log, lines } = capture();
    log.error({ err: new TypeError('wrong') }, 'failed');
    expect(lines()[0]?.['err']).toMatchObject({
      type: 'TypeError',
      message: 'wrong',
      stack: expect.stringContaining('logger.test.ts'),
    });
  });

  test.each(['authorization', 'cookie', 'set-cookie', 'dapr-api-token'])(
    'never holds the header %s, of a request or of headers',
    (name) => {
      const { log, text, lines } = capture();
      const headers = { [name]: 's3cret', accept: 'text/html' };
      log.info({ headers }, 'headers');
      log.info({ req: { headers } }, 'request');
      log.child({ headers }).info('child');
      expect(text()).not.toContain('s3cret');
      const shown = { [name]: '[redacted]', accept: 'text/html' };
      expect(lines().map((line) => line['headers'] ?? line['req'])).toEqual([
        shown,
        { headers: shown },
        shown,
      ]);
    },
  );
});

describe('the level', () => {
  test.each(LOG_LEVELS)('%s writes its own lines and the more severe ones', (level) => {
    const { log, lines } = capture({ level });
    for (const name of NAMES) log[name](name);
    const written = lines().map((line) => line['level']);
    expect(written).toEqual(NAMES.slice(LOG_LEVELS.indexOf(level)));
  });

  test('is info unless another is given', () => {
    const { log, lines } = capture();
    for (const name of NAMES) log[name](name);
    expect(lines().map((line) => line['level'])).toEqual(['info', 'warn', 'error', 'fatal']);
  });

  test('holds for children too', () => {
    const { log, text } = capture({ level: 'error' });
    log.child({ a: 1 }).child({ b: 2 }).warn('ignored');
    expect(text()).toBe('');
  });
});

describe('a child', () => {
  test('adds its fields to those of its parents, and to no other logger', () => {
    const { log, lines } = capture();
    const child = log.child({ invocation: 'a' });
    child.child({ step: 1 }).info('grandchild');
    child.info('child');
    log.info('root');
    expect(lines().map(({ invocation, step, msg }) => ({ invocation, step, msg }))).toEqual([
      { invocation: 'a', step: 1, msg: 'grandchild' },
      { invocation: 'a', step: undefined, msg: 'child' },
      { invocation: undefined, step: undefined, msg: 'root' },
    ]);
  });
});

describe('the readable form', () => {
  test('is one line for people, without colours on a stream', () => {
    const { log, text } = capture({ readable: true });
    log.warn('careful');
    expect(text()).toMatch(/^\[\d\d:\d\d:\d\d\.\d{3}\] WARN: careful\n$/);
  });

  test('hides secret headers too', () => {
    const { log, text } = capture({ readable: true });
    log.info({ headers: { cookie: 's3cret' } }, 'headers');
    expect(text()).toContain('[redacted]');
    expect(text()).not.toContain('s3cret');
  });
});
