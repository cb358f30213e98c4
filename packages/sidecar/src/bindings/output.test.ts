import { mkdtemp, readFile, readdir, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { startHttpApp, startSidecar } from '../sidecar.fixture.ts';

describe('local storage', () => {
  async function startStorage() {
    const rootPath = await mkdtemp(join(tmpdir(), 'sidecar-'));
    onTestFinished(() => rm(rootPath, { recursive: true }));
    const components = [{ name: 'files', type: 'bindings.localstorage', metadata: { rootPath } }];
    const { engine } = await startSidecar({ components });
    const call = async (operation: string, fileName = '', data = '') => {
      const metadata: Record<string, string> = fileName === '' ? {} : { fileName };
      const reply = await engine.invokeBinding('files', {
        operation,
        data: Buffer.from(data),
        metadata,
      });
      return reply.data?.toString();
    };
    return { rootPath, call };
  }

  it('creates, reads, lists and deletes files', async () => {
    const { rootPath, call } = await startStorage();
    expect(await call('create', 'a/b.txt', '"some text"')).toBe('{"fileName":"a/b.txt"}');
    expect(await call('get', 'a/b.txt')).toBe('some text');
    expect(JSON.parse((await call('list')) ?? '')).toEqual([join(rootPath, 'a/b.txt')]);
    await call('delete', 'a/b.txt');
    await expect(call('get', 'a/b.txt')).rejects.toMatchObject({
      code: 'ERR_INVOKE_OUTPUT_BINDING',
      message: expect.stringContaining('file not found') as string,
    });
  });

  it('names a file itself when it is given no name, and decodes base64', async () => {
    const { rootPath, call } = await startStorage();
    const reply = await call('create', '', Buffer.from('bytes!').toString('base64'));
    const { fileName } = JSON.parse(reply ?? '') as { fileName: string };
    expect(await readFile(join(rootPath, fileName), 'utf8')).toBe('bytes!');
  });

  it('does not leave its folder, neither by dots nor by links', async () => {
    const { rootPath, call } = await startStorage();
    await call('create', '../../inside.txt', 'x');
    expect(await readFile(join(rootPath, 'inside.txt'), 'utf8')).toBe('x');
    const outside = await mkdtemp(join(tmpdir(), 'sidecar-outside-'));
    onTestFinished(() => rm(outside, { recursive: true }));
    await symlink(outside, join(rootPath, 'link'));
    await expect(call('create', 'link/out.txt', 'x')).rejects.toThrow('not below the root path');
    // A link to what is not there yet.
    await symlink(join(outside, 'new.txt'), join(rootPath, 'nowhere'));
    await expect(call('create', 'nowhere', 'x')).rejects.toThrow('not below the root path');
    expect(await readdir(outside)).toEqual([]);
  });

  it('refuses an operation that it does not have', async () => {
    const { call } = await startStorage();
    await expect(call('query')).rejects.toThrow(
      'binding files does not support operation query. supported operations:create get list delete',
    );
  });
});

describe('http', () => {
  it('sends a request, and answers with body, status and headers', async () => {
    const server = await startHttpApp(undefined, ({ path }) =>
      path === '/base/sub' ? { status: 201, body: { ok: true } } : { status: 500 },
    );
    const url = `http://127.0.0.1:${server.port}/base`;
    const components = [{ name: 'hook', type: 'bindings.http', metadata: { url } }];
    const { engine } = await startSidecar({ components });
    const reply = await engine.invokeBinding('hook', {
      operation: 'create',
      data: Buffer.from('{"a":1}'),
      metadata: { path: '/sub', 'X-Key': 'k', other: 'no header' },
    });
    expect(reply.data?.toString()).toBe('{"ok":true}');
    expect(reply.metadata).toMatchObject({ statusCode: '201', status: '201 Created' });
    const [call] = server.calls;
    expect(call).toMatchObject({ verb: 'POST', path: '/base/sub', body: '{"a":1}' });
    expect(call?.headers).toMatchObject({
      'x-key': 'k',
      accept: 'application/json; charset=utf-8',
    });
    expect(call?.headers).not.toHaveProperty('other');
  });

  it('fails on any other status than 2xx, unless it is told not to', async () => {
    const server = await startHttpApp(undefined, () => ({ status: 500, body: 'no' }));
    const url = `http://127.0.0.1:${server.port}`;
    const components = [{ name: 'hook', type: 'bindings.http', metadata: { url } }];
    const { engine } = await startSidecar({ components });
    const request = { operation: 'get', data: Buffer.alloc(0), metadata: {} };
    await expect(engine.invokeBinding('hook', request)).rejects.toThrow('received status code 500');
    const metadata = { errorIfNot2XX: 'false' };
    const reply = await engine.invokeBinding('hook', { ...request, metadata });
    expect(reply.metadata['statusCode']).toBe('500');
  });
});
