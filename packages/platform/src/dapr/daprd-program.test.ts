import { mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { findDaprd } from './daprd-program.ts';

const HINT = /dapr init --slim.*without --daprd, components are played in memory/;

/** A folder with a file of that text. */
function write(text: string, mode = 0o755): string {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'ofn-daprd-')));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const path = join(folder, 'daprd');
  writeFileSync(path, text, { mode });
  return path;
}

const error = (message: string | RegExp) =>
  expect.objectContaining({
    code: 'OFN_PLATFORM_DAPRD_UNAVAILABLE',
    message: expect.stringMatching(message) as string,
  }) as Error;

test('takes the one that is given', async () => {
  const path = write('#!/bin/sh\necho 1.18.3\n');
  expect(await findDaprd(path, { DAPRD: '/nowhere' })).toBe(path);
});

test('takes the one that DAPRD names', async () => {
  const path = write('#!/bin/sh\necho 1.18.3\n');
  expect(await findDaprd(true, { DAPRD: path })).toBe(path);
});

test('a path that does not exist is an error with what to do', async () => {
  await expect(findDaprd('/nowhere/daprd')).rejects.toThrow(
    error('^/nowhere/daprd does not exist. '),
  );
  await expect(findDaprd('/nowhere/daprd')).rejects.toThrow(HINT);
  const found = findDaprd(true, { DAPRD: '/nowhere/daprd' });
  await expect(found).rejects.toThrow(error('^DAPRD: /nowhere/daprd does not exist. '));
});

test('a folder is an error that tells where the paths of functions stand', async () => {
  await expect(findDaprd(tmpdir())).rejects.toThrow(
    error('is a folder, and no daprd: paths of functions stand before --daprd'),
  );
});

test('a file that is not executable is an error', async () => {
  await expect(findDaprd(write('', 0o644))).rejects.toThrow(error('may not be executed'));
});

test('a file that is no program is an error with what it says', async () => {
  await expect(findDaprd(write('nothing that a shell knows\n'))).rejects.toThrow(
    error(/--version fails, so it is no daprd that runs here: exit code 127: .*not found/),
  );
});

test('a program that fails is an error with its last words', async () => {
  const path = write('#!/bin/sh\necho first >&2\necho no such flag >&2\nexit 2\n');
  await expect(findDaprd(path)).rejects.toThrow(error('exit code 2: no such flag'));
});

test('without any, the error names the places where it looked', async () => {
  const { PATH } = process.env;
  onTestFinished(() => void (process.env['PATH'] = PATH));
  process.env['PATH'] = '/nowhere';
  await expect(findDaprd(true, {})).rejects.toThrow(
    error(`^there is no daprd on PATH, and none at ${join(homedir(), '.dapr', 'bin', 'daprd')}`),
  );
});
