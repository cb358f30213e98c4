// The routes by which OpenFunction's dapr-proxy posts events: the topic's name, the component's name.
import { describe } from 'vitest';
import { call, postJson } from '@ofn-test/system/call';
import { serving } from '@ofn-test/system/start-function';
import { moduleOf, PROTOCOLS, test } from './start-dapr.ts';

const CONTEXT = {
  runtime: 'Async',
  inputs: {
    mq: { uri: 'topicA', componentName: 'pubsub-mq-abcde', componentType: 'pubsub.mqtt' },
    in: { uri: 'in', componentName: 'bindings-in-abcde', componentType: 'bindings.mqtt' },
  },
};
const FILES = moduleOf(`
  openfunction('handler', (ctx, data) => {
    print({ got: { data, input: ctx.input.name, hex: ctx.input.bytes.toString('hex') } });
    if (data.outcome === 'drop') ctx.drop();
    if (data.outcome === 'fail') throw new Error('asked for');
  });
`);

// The proxy posts over HTTP in its HTTP mode, whatever the function's own protocol is.
describe.each(PROTOCOLS)('with APP_PROTOCOL %s', (protocol) => {
  test.concurrent(
    'a topic is posted to as a CloudEvent, and answers with a status',
    async ({ run, expect }) => {
      const env = { APP_PROTOCOL: protocol, FUNC_CONTEXT: JSON.stringify(CONTEXT) };
      const app = await serving(run({ files: FILES, args: ['--port', '0'], env }));
      const post = (data: unknown) =>
        call(`${app.url}/topicA`, {
          method: 'POST',
          headers: { 'content-type': 'application/cloudevents+json' },
          body: JSON.stringify({
            specversion: '1.0',
            id: '1',
            source: 'proxy',
            type: 'com.dapr.event.sent',
            datacontenttype: 'application/json',
            topic: 'topicA',
            pubsubname: 'pubsub-mq-abcde',
            data,
          }),
        });
      const replies = [
        await post({ n: 1 }),
        await post({ outcome: 'drop' }),
        await post({ outcome: 'fail' }),
      ];
      expect(replies.map(({ status, text }) => [status, text])).toEqual([
        [200, '{"status":"SUCCESS"}'],
        [200, '{"status":"DROP"}'],
        [200, '{"status":"RETRY"}'],
      ]);
      const { got } = await app.logged((line) => 'got' in line);
      expect(got).toMatchObject({ data: { n: 1 }, input: 'mq' });
    },
  );

  test.concurrent(
    'a binding is posted to as it is, and answers 200 or 500',
    async ({ run, expect }) => {
      const env = { APP_PROTOCOL: protocol, FUNC_CONTEXT: JSON.stringify(CONTEXT) };
      const app = await serving(run({ files: FILES, args: ['--port', '0'], env }));
      const url = `${app.url}/bindings-in-abcde`;
      const json = await postJson(url, { n: 1 });
      const failed = await postJson(url, { outcome: 'fail' });
      const bytes = Buffer.from([0xff, 0x00]);
      const raw = await call(url, { method: 'POST', body: bytes });
      expect([json.status, json.text, failed.status, raw.status]).toEqual([200, '', 500, 200]);
      const first = await app.logged((line) => 'got' in line);
      expect(first['got']).toMatchObject({ data: { n: 1 }, input: 'in' });
      await app.logged(({ got }) => (got as { hex?: string } | undefined)?.hex === 'ff00');
    },
  );
});
