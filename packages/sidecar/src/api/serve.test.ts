import { request as httpRequest } from 'node:http';
import { describe, expect, it } from 'vitest';
import { serveTestApis } from './api.fixture.ts';

describe('serveApis', () => {
  it('refuses a port that is taken, for either API', async () => {
    const first = await serveTestApis();
    const { httpPort, grpcPort } = first;
    await expect(serveTestApis({ httpPort })).rejects.toMatchObject({
      code: 'ERR_PORT_UNAVAILABLE',
    });
    await expect(serveTestApis({ grpcPort })).rejects.toMatchObject({
      code: 'ERR_PORT_UNAVAILABLE',
    });
    await first.stop(0);
  });

  it('waits at a stop for the call in flight', async () => {
    const apis = await serveTestApis();
    let finish = (): void => {};
    const started = new Promise<void>((resolve) => {
      apis.recorder.onPublish = () => {
        resolve();
        return new Promise((done) => {
          finish = done;
        });
      };
    });
    const call = apis.fetch('/v1.0/publish/pubsub/t', { method: 'POST', body: 'x' });
    await started;
    let stopped = false;
    const stop = apis.stop().then(() => {
      stopped = true;
      return stopped;
    });
    await new Promise(setImmediate);
    expect(stopped).toBe(false);
    finish();
    expect((await call).status).toBe(204);
    expect(await stop).toBe(true);
  });

  it('cuts off what does not end in time', async () => {
    const apis = await serveTestApis();
    const started = new Promise<void>((resolve) => {
      apis.recorder.onPublish = () => {
        resolve();
        return new Promise(() => {});
      };
    });
    const failed = new Promise<string | undefined>((resolve) => {
      const { httpPort: port } = apis;
      const options = { host: '127.0.0.1', port, path: '/v1.0/publish/pubsub/t', method: 'POST' };
      httpRequest(options)
        .on('error', (error: NodeJS.ErrnoException) => resolve(error.code))
        .end('x');
    });
    await started;
    await apis.stop(1);
    expect(await failed).toBe('ECONNRESET');
  });

  describe('on loopback', () => {
    const statusOf = ({ httpPort: port }: { httpPort: number }, headers: Record<string, string>) =>
      new Promise<number | undefined>((resolve, reject) => {
        const path = '/v1.0/publish/pubsub/t';
        const options = { host: '127.0.0.1', port, path, method: 'POST', headers };
        httpRequest(options, (response) => {
          response.resume();
          resolve(response.statusCode);
        })
          .on('error', reject)
          .end('x');
      });

    it.each([
      ['a name that was pointed at it', { host: 'evil.example:3500' }],
      ['a page of another machine', { origin: 'https://evil.example' }],
      ['a page without an origin', { origin: 'null' }],
      ['a name that only begins as a local one', { host: '127.0.0.1.evil.example' }],
      ['what is no name', { host: 'a b' }],
    ])('refuses a web page: %s', async (_, headers) => {
      const apis = await serveTestApis();
      expect(await statusOf(apis, headers)).toBe(403);
      expect(apis.recorder.published).toEqual([]);
      await apis.stop(0);
    });

    it.each([
      { host: 'localhost:3500' },
      { host: '[::1]:3500' },
      { host: '127.0.0.2' },
      { host: 'app.localhost' },
      { origin: 'http://localhost:5173' },
    ])('answers what is of this machine: %o', async (headers) => {
      const apis = await serveTestApis();
      expect(await statusOf(apis, headers)).toBe(204);
      await apis.stop(0);
    });
  });

  it('answers any name when it was to listen on another address', async () => {
    const apis = await serveTestApis({ host: '0.0.0.0' });
    const response = await fetch(`http://127.0.0.1:${apis.httpPort}/v1.0/publish/pubsub/t`, {
      method: 'POST',
      headers: { origin: 'https://shop.example' },
      body: 'x',
    });
    expect(response.status).toBe(204);
    await apis.stop(0);
  });
});
