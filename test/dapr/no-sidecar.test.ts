// A sidecar that is not there, and one that comes later: the function starts and receives, says that
// it is not ready, and what it sends fails with a clear error after its deadline.
import { call, codeOf, postJson } from '@ofn-test/system/call';
import { serving } from '@ofn-test/system/start-function';
import { findFreePorts } from './free-ports.ts';
import { COMPONENTS, moduleOf, outcomes, PROTOCOLS, retrying, test } from './start-dapr.ts';

const CONTEXT = {
  outputs: { out: { componentName: 'pubsub', componentType: 'pubsub.in-memory', uri: 'out' } },
  states: { store: { componentName: 'store', componentType: 'state.in-memory' } },
};
const SEND = moduleOf(`
  const CALLS = {
    send: (ctx) => ctx.send('x'),
    output: (ctx) => ctx.outputs.out.send('x'),
    save: (ctx) => ctx.states.store.save('key', 1),
  };
  openfunction('handler', { path: '/' }, async (ctx, { call }) => {
    const begun = performance.now();
    const error = await CALLS[call](ctx).then(() => undefined, (thrown) => thrown);
    const { code = 'sent', message, cause } = error ?? {};
    const causes = cause?.errors?.map((inner) => inner.code);
    return { code, message, causes, milliseconds: performance.now() - begun };
  });
`);

test.concurrent(
  'a function starts, answers and says that it is not ready; sending and saving fail at their deadline',
  async ({ run, expect }) => {
    const [port = 0] = await findFreePorts(1);
    const app = await serving(
      run({
        files: SEND,
        args: ['--port', '0', '--dapr-timeout', '300ms', '--health-routes'],
        env: { FUNC_CONTEXT: JSON.stringify(CONTEXT), DAPR_HTTP_PORT: String(port) },
      }),
    );
    const ready = await call(`${app.url}/readyz`);
    expect([ready.status, JSON.parse(ready.text)]).toEqual([
      503,
      { status: 'unavailable', state: 'running', sidecar: 'unreachable' },
    ]);
    expect((await call(`${app.url}/healthz`)).status).toBe(200);
    for (const name of ['send', 'output', 'save']) {
      const { text } = await postJson(app.url, { call: name });
      const { code, causes, message, milliseconds } = JSON.parse(text) as Failure;
      // All outputs that failed are in one error of `ctx.send`.
      expect(causes ?? [code]).toEqual(['OFN_SIDECAR_UNAVAILABLE']);
      expect(code).toBe(name === 'send' ? 'OFN_OUTPUT_FAILED' : 'OFN_SIDECAR_UNAVAILABLE');
      expect(message).toContain(`the Dapr sidecar at http://127.0.0.1:${port} cannot be reached`);
      expect(milliseconds).toBeGreaterThan(250);
    }
  },
);

interface Failure {
  readonly code: string;
  readonly causes?: readonly string[];
  readonly message: string;
  readonly milliseconds: number;
}

test.concurrent(
  'the SDK of ctx.dapr fails too, rather than to wait for a sidecar',
  async ({ run, expect }) => {
    const [port = 0] = await findFreePorts(1);
    const app = await serving(
      run({
        files: moduleOf(`
        openfunction('handler', { path: '/' }, (ctx) => ctx.dapr.secret.get('store', 'key'));
      `),
        args: ['--port', '0', '--dapr-timeout', '300ms'],
        env: { FUNC_CONTEXT: JSON.stringify(CONTEXT), DAPR_HTTP_PORT: String(port) },
      }),
    );
    const reply = await postJson(app.url, {});
    expect([reply.status, codeOf(reply)]).toEqual([503, 'OFN_SIDECAR_UNAVAILABLE']);
  },
);

test.concurrent(
  'a sidecar that comes later is found, also by a call that waits for it',
  async ({ run, startSidecar, expect }) => {
    const [port = 0] = await findFreePorts(1);
    const app = await serving(
      run({
        files: SEND,
        args: ['--port', '0', '--dapr-timeout', '20s', '--health-routes'],
        env: { FUNC_CONTEXT: JSON.stringify(CONTEXT), DAPR_HTTP_PORT: String(port) },
      }),
    );
    const early = postJson(app.url, { call: 'send' });
    expect((await call(`${app.url}/readyz`)).status).toBe(503);
    const sidecar = await startSidecar({ components: COMPONENTS, httpPort: port });
    const { text } = await early;
    expect(JSON.parse(text)).toMatchObject({ code: 'sent' });
    expect(sidecar.journal.count('published')).toBe(1);
    const ready = await call(`${app.url}/readyz`);
    expect([ready.status, JSON.parse(ready.text)]).toEqual([
      200,
      { status: 'ok', state: 'running', sidecar: 'ok' },
    ]);
  },
);

test.concurrent.for(PROTOCOLS)(
  'an async function over %s starts without it, and gets its events when it has come',
  async (protocol, { run, startSidecar, expect }) => {
    const [port = 0, httpPort = 0] = await findFreePorts(2);
    const app = await serving(
      run({
        files: moduleOf(`
          topic('orders', { pubsub: 'pubsub' }, (ctx) => ctx.send('x', 'out'));
        `),
        args: ['--port', String(port)],
        env: {
          APP_PROTOCOL: protocol,
          FUNC_CONTEXT: JSON.stringify(CONTEXT),
          DAPR_HTTP_PORT: String(httpPort),
        },
      }),
    );
    expect((await call(`${app.url}/readyz`)).status).toBe(503);
    // What a sidecar delivers over HTTP is taken, whether or not one is there to send to.
    expect((await call(`${app.url}/healthz`)).status).toBe(200);
    const sidecar = await startSidecar({
      components: COMPONENTS,
      resiliency: retrying(),
      appPort: port,
      appProtocol: protocol,
      httpPort,
    });
    await sidecar.appReady();
    await sidecar.publish('pubsub', 'orders', 1);
    await sidecar.idle();
    expect(outcomes(sidecar)).toEqual(['delivered', 'acked']);
    expect(sidecar.journal.count('published')).toBe(2);
    expect((await call(`${app.url}/readyz`)).status).toBe(200);
  },
);

test.concurrent(
  'an event whose handler cannot send is delivered again',
  async ({ run, expect }) => {
    const [httpPort = 0] = await findFreePorts(1);
    const app = await serving(
      run({
        files: moduleOf(`topic('orders', { pubsub: 'pubsub' }, (ctx) => ctx.send('x', 'out'));`),
        args: ['--port', '0', '--dapr-timeout', '200ms'],
        env: { FUNC_CONTEXT: JSON.stringify(CONTEXT), DAPR_HTTP_PORT: String(httpPort) },
      }),
    );
    const event = { specversion: '1.0', id: '1', source: 's', type: 't', data: 1 };
    const { status, text } = await postJson(`${app.url}/orders`, event);
    expect([status, text]).toEqual([200, '{"status":"RETRY"}']);
  },
);
