// Conformance of event functions: every kind of event arrives whole, in the shape of the function,
// whichever of both shapes it was sent in.
import { call, postJson, type Reply } from '@ofn-test/system/call';
import { test } from '@ofn-test/system/start-function';
import { describe } from 'vitest';
import { FILES, takeOutput } from './output-function.ts';
import { SAMPLE_EVENTS, type SampleEvent } from './sample-events.ts';

const FUNCTIONS = {
  cloudevent: [
    ['--source', 'exported.mjs', '--target', 'writeCloudEvent', '--signature-type', 'cloudevent'],
    ['--source', 'registered.mjs', '--target', 'registeredCloudEvent'],
  ],
  event: [
    ['--source', 'exported.mjs', '--target', 'writeLegacyEvent', '--signature-type', 'event'],
    ['--source', 'registered.mjs', '--target', 'registeredLegacyEvent'],
  ],
} as const;

type Send = (url: string, event: SampleEvent) => Promise<Reply>;

const WAYS: Readonly<Record<string, Send>> = {
  'a legacy event': (url, { posted }) => postJson(url, posted),
  'a binary CloudEvent': (url, { cloudEvent }) => {
    const { data, datacontenttype, ...attributes } = cloudEvent;
    const named = Object.entries(attributes).map(([name, value]) => [`ce-${name}`, String(value)]);
    return call(url, {
      method: 'POST',
      headers: { 'content-type': String(datacontenttype), ...Object.fromEntries(named) },
      body: JSON.stringify(data),
    });
  },
  'a structured CloudEvent': (url, { cloudEvent }) =>
    call(url, {
      method: 'POST',
      headers: { 'content-type': 'application/cloudevents+json' },
      body: JSON.stringify(cloudEvent),
    }),
};

const EXPECTED = {
  cloudevent: (_way: string, { cloudEvent }: SampleEvent) => cloudEvent,
  event: (way: string, { legacy, converted = legacy }: SampleEvent) =>
    way === 'a legacy event' ? legacy : converted,
};

const matrix = (['cloudevent', 'event'] as const).flatMap((signature) =>
  (['an exported', 'a registered'] as const).flatMap((style, index) =>
    Object.keys(WAYS).map(
      (way) => [style, signature, way, FUNCTIONS[signature][index] ?? []] as const,
    ),
  ),
);

describe('each kind of event', () => {
  test.concurrent.for(matrix)(
    'reaches %s %s function when it is sent as %s',
    async ([, signature, way, args], { start, expect }) => {
      const server = await start({ files: FILES, args });
      const send = WAYS[way] as Send;
      const received: unknown[] = [];
      for (const event of SAMPLE_EVENTS) {
        const { status, text } = await send(server.url, event);
        received.push({ event: event.name, status, text, output: takeOutput(server) });
      }
      expect(received).toEqual(
        SAMPLE_EVENTS.map((event) => ({
          event: event.name,
          status: 204,
          text: '',
          output: EXPECTED[signature](way, event),
        })),
      );
    },
  );
});
