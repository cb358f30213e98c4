// Conformance of HTTP functions: the JSON that is posted is what the function sees as its body.
import { postJson } from '@ofn-test/system/call';
import { test } from '@ofn-test/system/start-function';
import { FILES, takeOutput } from './output-function.ts';

test.concurrent.for([
  [
    'an exported',
    ['--source', 'exported.mjs', '--target', 'writeHttp', '--signature-type', 'http'],
  ],
  ['a registered', ['--source', 'registered.mjs', '--target', 'registeredHttp']],
] as const)(
  '%s HTTP function gets the JSON of the request',
  async ([, args], { start, expect }) => {
    const server = await start({ files: FILES, args });
    const { status } = await postJson(server.url, { res: 'PASS' });
    expect(status).toBe(200);
    expect(takeOutput(server)).toEqual({ res: 'PASS' });
  },
);
