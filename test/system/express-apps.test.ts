// Apps as targets that replace the prototypes of request and response, as each Express does, and
// whose body parser asks `_body` whether the body was read, as that of Express 4 does.
import { call, postJson } from './call.ts';
import { test } from './start-function.ts';

const APP = `
  import { IncomingMessage, ServerResponse } from 'node:http';
  const request = Object.create(IncomingMessage.prototype);
  const response = Object.create(ServerResponse.prototype);
  const read = async (req) => {
    if (req._body) return req.body;
    const chunks = await req.toArray();
    return chunks.length === 0 ? undefined : JSON.parse(Buffer.concat(chunks));
  };
  export function app(req, res) {
    Object.setPrototypeOf(req, request);
    Object.setPrototypeOf(res, response);
    read(req).then(
      (body) => res.end(JSON.stringify({ url: req.url, body })),
      (error) => { res.statusCode = 500; res.end(error.message); },
    );
  }
  Object.assign(app, { handle: app, request, response });
`;

test.concurrent.for([
  ['exported', 'app', ''],
  ['registered', 'site', `import { http } from '@ofn/core'; http('site', app);`],
  ['called by a handler', 'site', `export const site = (req, res) => app(req, res);`],
] as const)(
  'an app that is %s gets each body once',
  async ([, target, rest], { start, expect }) => {
    const { url, kill, exit } = await start({
      files: { 'index.mjs': `${APP} ${rest}` },
      args: ['--target', target],
    });
    const posted = await postJson(`${url}/a?b=1`, { n: 1 });
    const got = await call(`${url}/c`);
    kill('SIGTERM');
    expect([posted.status, posted.text]).toEqual([200, '{"url":"/a?b=1","body":{"n":1}}']);
    expect([got.status, got.text]).toEqual([200, '{"url":"/c"}']);
    // The exchange was counted to its end, though the prototypes are not those it began with.
    expect((await exit).code).toBe(0);
  },
);
