// Conformance under concurrency: ten calls run side by side, for every signature. Each call waits
// until all ten have begun, so a server that took them one by one would never answer.
import { call, postJson } from '@ofn-test/system/call';
import { test } from '@ofn-test/system/start-function';
import { SAMPLE_EVENTS } from './sample-events.ts';

const FILES = {
  'index.mjs': `
    import { cloudEvent, event, http } from '@ofn/core';
    let begun = 0;
    let release;
    const all = new Promise((resolve) => (release = resolve));
    async function together() {
      begun += 1;
      if (begun === 10) release();
      await all;
    }
    http('http', async (req, res) => {
      await together();
      res.sendStatus(200);
    });
    cloudEvent('cloudevent', () => together());
    event('event', (data, context) => together());
  `,
};

const [event] = SAMPLE_EVENTS;

test.concurrent.for(['http', 'cloudevent', 'event'])(
  'ten calls of an %s function run side by side',
  async (target, { start, expect }) => {
    const { url } = await start({ files: FILES, args: ['--target', target] });
    const send = () =>
      target === 'cloudevent'
        ? call(url, {
            method: 'POST',
            headers: { 'content-type': 'application/cloudevents+json' },
            body: JSON.stringify(event?.cloudEvent),
          })
        : postJson(url, event?.posted);
    const replies = await Promise.all(Array.from({ length: 10 }, send));
    const expected = target === 'http' ? 200 : 204;
    expect(replies.map(({ status }) => status)).toEqual(replies.map(() => expected));
    expect(replies).toHaveLength(10);
  },
);
