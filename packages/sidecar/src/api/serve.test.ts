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
});
