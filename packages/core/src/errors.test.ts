// The table of codes, the error that carries one, and what a thrown value becomes.
import { describe, expect, test } from 'vitest';
import { ERROR_TABLE, OfnError, toError, type ErrorCode } from './errors.ts';

const CODES = Object.keys(ERROR_TABLE) as ErrorCode[];

describe('the table of codes', () => {
  test.each(CODES)('%s has a title, and either a status of an error or an exit code', (code) => {
    const entry: { title: string; status?: number; exitCode?: number } = ERROR_TABLE[code];
    expect(code).toMatch(/^OFN_[A-Z]+(_[A-Z]+)*$/);
    expect(entry.title).toMatch(/^[A-Z].*[^.]$/);
    expect([entry.status, entry.exitCode].filter((value) => value !== undefined)).toHaveLength(1);
    const { status = 400, exitCode = 1 } = entry;
    expect(status).toBeGreaterThanOrEqual(400);
    expect(status).toBeLessThan(600);
    expect(exitCode).toBeGreaterThan(0);
    expect(exitCode).toBeLessThan(126);
  });

  test('gives each code a title of its own', () => {
    const titles = CODES.map((code) => ERROR_TABLE[code].title);
    expect(new Set(titles).size).toBe(titles.length);
  });
});

describe('OfnError', () => {
  test('carries the status of a code about a call, and exit code 1', () => {
    const error = new OfnError('OFN_BODY_TOO_LARGE', 'too large');
    expect(error).toMatchObject({ code: 'OFN_BODY_TOO_LARGE', status: 413, exitCode: 1 });
  });

  test('carries the exit code of a code about the process, and status 500', () => {
    const error = new OfnError('OFN_UNCAUGHT', 'uncaught');
    expect(error).toMatchObject({ code: 'OFN_UNCAUGHT', status: 500, exitCode: 16 });
  });

  test('is an Error with its own name, message and stack', () => {
    const error = new OfnError('OFN_TIMEOUT', 'late');
    expect(error).toBeInstanceOf(Error);
    expect(String(error)).toBe('OfnError: late');
    expect(error.stack).toContain('errors.test.ts');
  });

  test('keeps cause, issues and headers', () => {
    const cause = new Error('root');
    const issues = [{ message: 'must be a number', path: ['total'] }];
    const headers = { Allow: 'GET' };
    const error = new OfnError('OFN_SCHEMA_FAILED', 'not valid', { cause, issues, headers });
    expect(error.cause).toBe(cause);
    expect(error.issues).toBe(issues);
    expect(error.headers).toBe(headers);
  });

  test('has no cause unless one is given, and keeps one that is undefined', () => {
    expect('cause' in new OfnError('OFN_TIMEOUT', 'late')).toBe(false);
    expect('cause' in new OfnError('OFN_TIMEOUT', 'late', { cause: undefined })).toBe(true);
  });
});

describe('toError', () => {
  test('hands on an Error as it is', () => {
    const error = new TypeError('wrong');
    expect(toError(error)).toBe(error);
  });

  test('makes a thrown string the message', () => {
    expect(toError('no database')).toMatchObject({
      message: 'no database',
      cause: 'no database',
    });
  });

  test.each([undefined, null, 0, { status: 404 }])(
    'keeps the thrown value %j as cause',
    (thrown) => {
      const error = toError(thrown);
      expect(error.message).toBe('a value that is not an Error was thrown');
      expect(error.cause).toBe(thrown);
    },
  );
});
