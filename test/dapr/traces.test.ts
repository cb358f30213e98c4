// A trace goes on from function to function over a topic: W3C's and SkyWalking's.
import { describe } from 'vitest';
import { moduleOf, PROTOCOLS, publishEvent, test } from './start-dapr.ts';

const TRACE = '0af7651916cd43dd8448eb211c80319c';
const SW8 = '1-MQ==-Mg==-1-c2VydmljZQ==-aW5zdGFuY2U=-L3BhdGg=-MTI3LjAuMC4x';
const CONTEXT = {
  outputs: { next: { componentName: 'pubsub', componentType: 'pubsub.in-memory', uri: 'second' } },
};
const PIPELINE = moduleOf(`
  topic('first', { pubsub: 'pubsub' }, (ctx, data) => ctx.send(data, 'next'));
  topic('second', { pubsub: 'pubsub' }, (ctx, data) => {
    print({ got: { data, traceId: ctx.traceId, ...ctx.propagation } });
  });
`);

describe.each(PROTOCOLS)('over %s', (protocol) => {
  test.concurrent('traceparent', async ({ startDapr, expect }) => {
    const { app, sidecar } = await startDapr({ protocol, context: CONTEXT, files: PIPELINE });
    await sidecar.publish('pubsub', 'first', 1, {
      traceparent: `00-${TRACE}-b7ad6b7169203331-01`,
      tracestate: 'vendor=value',
    });
    const { got } = await app.logged((line) => 'got' in line);
    expect(got).toMatchObject({ data: 1, traceId: TRACE, tracestate: 'vendor=value' });
  });

  test.concurrent('sw8', async ({ startDapr, expect }) => {
    const { app, sidecar } = await startDapr({ protocol, context: CONTEXT, files: PIPELINE });
    await publishEvent(sidecar, 'first', {
      datacontenttype: 'application/json',
      data: 1,
      sw8: SW8,
      sw8correlation: 'a:b',
    });
    const { got } = await app.logged((line) => 'got' in line);
    expect(got).toMatchObject({ data: 1, sw8: SW8, 'sw8-correlation': 'a:b' });
  });

  test.concurrent('both at once', async ({ startDapr, expect }) => {
    const { app, sidecar } = await startDapr({ protocol, context: CONTEXT, files: PIPELINE });
    const traceparent = `00-${TRACE}-b7ad6b7169203331-01`;
    await publishEvent(sidecar, 'first', {
      datacontenttype: 'application/json',
      data: 1,
      sw8: SW8,
      traceid: traceparent,
      traceparent,
    });
    const { got } = await app.logged((line) => 'got' in line);
    expect(got).toMatchObject({ data: 1, traceId: TRACE, sw8: SW8 });
  });

  test.concurrent('none, when there is none', async ({ startDapr, expect }) => {
    const { app, sidecar } = await startDapr({ protocol, context: CONTEXT, files: PIPELINE });
    await sidecar.publish('pubsub', 'first', 1);
    const { got } = await app.logged((line) => 'got' in line);
    expect(got).toEqual({ data: 1 });
  });
});
