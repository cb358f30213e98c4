// Requests to the sidecar: the deadline, what is tried again and what is not, trace headers.
import { createServer, type ServerResponse } from 'node:http';
import { createServer as createTcpServer, type AddressInfo } from 'node:net';
import { HttpMethod } from '@dapr/dapr';
import { describe, expect, onTestFinished, test } from 'vitest';
import { runInside } from '../invocation/invoke.ts';
import { createCall, outgoingTo, startDaprd } from './daprd.fixture.ts';
import { createConnections } from './sidecar-exchange.ts';

/** A port that nothing listens on. */
async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

function at(port: number) {
  return { address: { http: `http://127.0.0.1:${port}`, grpc: '', apiToken: undefined } };
}

const destroy = (_: unknown, response: ServerResponse): boolean => {
  response.destroy();
  return true;
};

describe('a sidecar that is not there', () => {
  test('fails a send after the deadline, naming the address and what to do', async () => {
    const port = await freePort();
    // Time enough for a first attempt to be refused, whatever else the machine does.
    const outgoing = outgoingTo(at(port), { timeout: 1000 });
    const start = performance.now();
    await expect(outgoing.outputs['orders']?.send('x')).rejects.toMatchObject({
      code: 'OFN_SIDECAR_UNAVAILABLE',
      message: expect.stringMatching(
        new RegExp(`127\\.0\\.0\\.1:${port}.*ECONNREFUSED.*start the sidecar.*DAPR_HTTP_PORT`),
      ) as unknown,
    });
    expect(performance.now() - start).toBeGreaterThan(900);
  });

  test('is waited for: what is refused was not sent, and is tried again', async () => {
    const port = await freePort();
    const sent = outgoingTo(at(port)).outputs['orders']?.send('x');
    // The SDK is loaded by now, and the first attempt has been refused or is about to be.
    const daprd = await startDaprd(port);
    await expect(sent).resolves.toBeUndefined();
    expect(daprd.requests).toHaveLength(1);
  });

  test('is not reachable', async () => {
    await expect(outgoingTo(at(await freePort())).isReachable()).resolves.toBe(false);
  });
});

describe('a sidecar that is there', () => {
  test('is reachable once it says that it can send', async () => {
    const daprd = await startDaprd();
    const outgoing = outgoingTo(daprd);
    await expect(outgoing.isReachable()).resolves.toBe(true);
    expect(daprd.last()).toMatchObject({ method: 'GET', url: '/v1.0/healthz/outbound' });
    daprd.intercept = (_, response) => Boolean(response.writeHead(500).end());
    await expect(outgoing.isReachable()).resolves.toBe(false);
  });

  test('is not reachable when it does not answer the probe within 500 ms', async () => {
    const daprd = await startDaprd();
    daprd.intercept = () => true;
    await expect(outgoingTo(daprd).isReachable()).resolves.toBe(false);
  });

  test('that never answers fails the call at the deadline', async () => {
    const daprd = await startDaprd();
    daprd.intercept = () => true;
    const outgoing = outgoingTo(daprd, { timeout: 100 });
    await expect(outgoing.outputs['orders']?.send('x')).rejects.toMatchObject({
      code: 'OFN_SIDECAR_TIMEOUT',
      message: expect.stringMatching(/publish.* within 100 ms.*--dapr-timeout/) as unknown,
    });
    expect(daprd.requests).toHaveLength(1);
  });

  test('that stops in the middle of its answer fails the call at the deadline', async () => {
    const daprd = await startDaprd();
    daprd.intercept = (_, response) => response.write('{"half":');
    const outgoing = outgoingTo(daprd, { timeout: 100 });
    await expect(outgoing.states['pg']?.get('a')).rejects.toMatchObject({
      code: 'OFN_SIDECAR_TIMEOUT',
    });
  });

  test('that breaks the connection fails a send, and is not sent it again', async () => {
    const daprd = await startDaprd();
    daprd.intercept = destroy;
    await expect(outgoingTo(daprd).outputs['orders']?.send('x')).rejects.toMatchObject({
      code: 'OFN_SIDECAR_UNAVAILABLE',
      message: expect.stringContaining('may or may not have done') as unknown,
    });
    expect(daprd.requests).toHaveLength(1);
  });

  test('that fails a read is asked up to three times', async () => {
    const daprd = await startDaprd();
    daprd.values.set('pgstore/a', { json: '1', etag: 'e', metadata: {} });
    let left = 2;
    daprd.intercept = (request, response) =>
      left-- > 0 &&
      (left === 0 ? destroy(request, response) : Boolean(response.writeHead(502).end()));
    await expect(outgoingTo(daprd).states['pg']?.get('a')).resolves.toBe(1);
    expect(daprd.requests).toHaveLength(3);

    daprd.intercept = destroy;
    await expect(outgoingTo(daprd).states['pg']?.get('a')).rejects.toMatchObject({
      code: 'OFN_SIDECAR_UNAVAILABLE',
    });
    expect(daprd.requests).toHaveLength(6);
  });

  test.each(['save', 'send'] as const)(
    'that fails a %s with 500 is not asked again',
    async (what) => {
      const daprd = await startDaprd();
      daprd.intercept = (_, response) => Boolean(response.writeHead(500).end());
      const { outputs, states } = outgoingTo(daprd);
      const call = what === 'save' ? states['pg']?.save('a', 1) : outputs['orders']?.send(1);
      await expect(call).rejects.toThrow('500');
      expect(daprd.requests).toHaveLength(1);
    },
  );

  test.each(['send', 'save', 'get', 'ctx.dapr'] as const)(
    'that redirects fails a %s: nothing was done',
    async (what) => {
      const daprd = await startDaprd();
      daprd.intercept = (_, response) =>
        Boolean(response.writeHead(308, { location: 'https://elsewhere/' }).end());
      const { client, outputs, states } = outgoingTo(daprd);
      const calls = {
        send: () => outputs['orders']?.send(1),
        save: () => states['pg']?.save('a', 1),
        get: () => states['pg']?.get('a'),
        'ctx.dapr': () => client.pubsub.publish('mq', 'orders', '1'),
      };
      await expect(calls[what]()).rejects.toMatchObject({
        code: 'OFN_SIDECAR_UNAVAILABLE',
        message: expect.stringContaining('redirects (308) to https://elsewhere/') as unknown,
      });
      expect(daprd.requests).toHaveLength(1);
    },
  );

  test('hands on what another app answers, a redirect too', async () => {
    const daprd = await startDaprd();
    daprd.intercept = (_, response) => Boolean(response.writeHead(303).end('{"see":"other"}'));
    await expect(
      outgoingTo(daprd).client.invoker.invoke('app', 'work', HttpMethod.POST, {}),
    ).resolves.toEqual({ see: 'other' });
  });

  test('whose answer is longer than what is read fails the call', async () => {
    const daprd = await startDaprd();
    daprd.intercept = (_, response) => Boolean(response.end('0123456789!'));
    const read = (largest: number): Promise<unknown> => {
      const connections = createConnections(daprd.address.http, largest);
      onTestFinished(() => connections.close());
      return connections.exchange('/', { method: 'GET', headers: {} }, () => {});
    };
    await expect(read(10)).rejects.toThrow('its answer is longer than 10 bytes');
    await expect(read(11)).resolves.toMatchObject({ status: 200 });
  });

  test('is asked for the method of another app once, even with GET', async () => {
    const daprd = await startDaprd();
    daprd.intercept = (_, response) => Boolean(response.writeHead(500).end());
    await expect(
      outgoingTo(daprd).client.invoker.invoke('app', 'work', HttpMethod.GET),
    ).rejects.toThrow('500');
    expect(daprd.requests).toHaveLength(1);
  });

  test('gets the API token', async () => {
    const daprd = await startDaprd();
    const address = { ...daprd.address, apiToken: 'secret' };
    const outgoing = outgoingTo({ address });
    await outgoing.outputs['orders']?.send('x');
    expect(daprd.last().headers['dapr-api-token']).toBe('secret');
    await outgoing.isReachable();
    expect(daprd.last().headers['dapr-api-token']).toBe('secret');
  });
});

describe('the trace of the caller', () => {
  const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
  const propagation = { traceparent, tracestate: 'a=b', baggage: 'user=7', sw8: '1-x' };

  test('goes with what is sent and kept, and with calls of the SDK client', async () => {
    const daprd = await startDaprd();
    const outgoing = outgoingTo(daprd);
    await runInside(createCall(outgoing, { propagation }), async () => {
      await outgoing.outputs['files']?.send('x');
      expect(daprd.last().headers).toMatchObject(propagation);
      await outgoing.states['pg']?.save('a', 1);
      expect(daprd.last().headers).toMatchObject(propagation);
      await outgoing.client.invoker.invoke('app', 'work', HttpMethod.GET);
      expect(daprd.last().headers).toMatchObject(propagation);
    });
  });

  test('gives way to headers that the SDK client was given', async () => {
    const daprd = await startDaprd();
    const outgoing = outgoingTo(daprd);
    const own = '00-ffffffffffffffffffffffffffffffff-b7ad6b7169203331-01';
    const headers = { Traceparent: own };
    await runInside(createCall(outgoing, { propagation }), () =>
      outgoing.client.invoker.invoke('app', 'work', HttpMethod.GET, undefined, { headers }),
    );
    expect(daprd.last().headers['traceparent']).toBe(own);
  });

  test.each(['user=7;prop=1, other=%20x', 'a=', 'k=v=w'])(
    'goes on with the baggage %s',
    async (baggage) => {
      const daprd = await startDaprd();
      const outgoing = outgoingTo(daprd);
      await runInside(createCall(outgoing, { propagation: { baggage } }), () =>
        outgoing.outputs['orders']?.send('x'),
      );
      expect(daprd.last().headers['baggage']).toBe(baggage);
    },
  );

  test.each(['no pair', 'a=b c', 'a="b"', 'a=%zz', `a=${'x'.repeat(8200)}`, ''])(
    'goes on without the baggage %j, for which the sidecar would refuse the request',
    async (baggage) => {
      const daprd = await startDaprd();
      const outgoing = outgoingTo(daprd);
      await runInside(createCall(outgoing, { propagation: { baggage, traceparent } }), () =>
        outgoing.outputs['orders']?.send('x'),
      );
      expect(daprd.last().headers).toMatchObject({ traceparent });
      expect(daprd.last().headers['baggage']).toBeUndefined();
    },
  );

  test('is absent outside of a call', async () => {
    const daprd = await startDaprd();
    await outgoingTo(daprd).outputs['orders']?.send('x');
    expect(daprd.last().headers['traceparent']).toBeUndefined();
  });
});

test('a sidecar at https is spoken to over TLS, when it is sent to and when it is probed', async () => {
  const firstBytes: (number | undefined)[] = [];
  const server = createTcpServer((socket) => {
    socket.on('error', () => {});
    socket.once('data', (chunk) => {
      firstBytes.push(chunk[0]);
      socket.destroy();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => void server.close());
  const { port } = server.address() as AddressInfo;
  const address = { http: `https://127.0.0.1:${port}`, grpc: '', apiToken: undefined };
  const outgoing = outgoingTo({ address });
  await expect(outgoing.send('x', 'orders')).rejects.toMatchObject({ code: 'OFN_OUTPUT_FAILED' });
  expect(await outgoing.isReachable()).toBe(false);
  // A handshake (RFC 8446, 5.1).
  expect(firstBytes).toEqual([22, 22]);
});
