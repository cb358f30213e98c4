// Functions under Node's inspector: one process each at a port that stays, and breakpoints in TypeScript.
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { SourceMap } from 'node:module';
import { createServer, type AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';
import { WebSocket } from 'ws';
import { expect, onTestFinished, test, vi } from 'vitest';
import { createPlatform, type PlatformEvent } from '@ofn/platform';
import { ask, createProject } from './project.ts';

const CODE = `interface Request { readonly path: string }

export default (req: Request, res: any): void => {
  const greeting: string = 'hello ' + req.path;
  res.send(greeting);
};
`;
// That of the greeting, from 0.
const LINE = 3;

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  return port;
}

async function start(folder: string) {
  const inspect = await freePort();
  const events: PlatformEvent[] = [];
  const platform = await createPlatform({
    paths: [folder],
    port: 0,
    directory: folder,
    inspect,
    onEvent: (event) => events.push(event),
  });
  onTestFinished(() => platform.stop());
  return {
    ...platform,
    inspect,
    ready: (times: number) =>
      vi.waitFor(
        () => {
          const found = events.filter(({ type }) => type === 'ready');
          if (found.length < times) throw new Error(JSON.stringify(events));
          return found.length;
        },
        { timeout: 20_000 },
      ),
  };
}

interface Message {
  readonly id?: number;
  readonly method?: string;
  readonly params?: Record<string, unknown>;
  readonly result?: Record<string, unknown>;
}

/** Attaches as a debugger does, by the inspector protocol. */
async function attach(port: number) {
  const list = (await (await fetch(`http://127.0.0.1:${port}/json/list`)).json()) as {
    webSocketDebuggerUrl: string;
  }[];
  const socket = new WebSocket(list[0]?.webSocketDebuggerUrl ?? '');
  await once(socket, 'open');
  onTestFinished(() => socket.terminate());
  const messages: Message[] = [];
  socket.on('message', (data: Buffer) => messages.push(JSON.parse(String(data)) as Message));
  let count = 0;
  const find = (isWanted: (message: Message) => boolean): Promise<Record<string, unknown>> =>
    vi.waitFor(
      () => {
        const found = messages.find(isWanted);
        if (found === undefined) throw new Error(JSON.stringify(messages.slice(-3)));
        return found.result ?? found.params ?? {};
      },
      { timeout: 20_000, interval: 5 },
    );
  return {
    close: () => socket.terminate(),
    heard: (method: string, isWanted: (params: Record<string, unknown>) => boolean = () => true) =>
      find((message) => message.method === method && isWanted(message.params ?? {})),
    send(method: string, params: object = {}) {
      const id = (count += 1);
      socket.send(JSON.stringify({ id, method, params }));
      return find((message) => message.id === id);
    },
  };
}

// As a debugger places a breakpoint: by the map that the script names.
function toGenerated(url: string, sourceMapUrl: string, file: string, line: number) {
  const path = fileURLToPath(new URL(sourceMapUrl, url));
  const payload = JSON.parse(readFileSync(path, 'utf8')) as ConstructorParameters<
    typeof SourceMap
  >[0];
  const map = new SourceMap(payload);
  const code = readFileSync(fileURLToPath(url), 'utf8').split('\n');
  for (const [lineNumber, text] of code.entries()) {
    for (let columnNumber = 0; columnNumber < text.length; columnNumber += 1) {
      const entry = map.findEntry(lineNumber, columnNumber);
      if ('originalSource' in entry && entry.originalSource === file && entry.originalLine === line)
        return { lineNumber, columnNumber };
    }
  }
  throw new Error(`line ${line} of ${file} is not in ${path}`);
}

test('a breakpoint in TypeScript is hit at its line, and a function has its process from the start', async () => {
  const { folder } = createProject({ 'index.ts': CODE });
  const { inspect, port, ready } = await start(folder);
  await ready(1);
  const debug = await attach(inspect);
  await debug.send('Runtime.enable');
  await debug.send('Debugger.enable');
  const script = await debug.heard('Debugger.scriptParsed', ({ url }) =>
    String(url).includes('.ofn/builds'),
  );
  const url = String(script['url']);
  const place = toGenerated(url, String(script['sourceMapURL']), `${folder}/index.ts`, LINE);
  await debug.send('Debugger.setBreakpointByUrl', { url, ...place });
  const reply = ask(port, 'localhost', '/there');
  const paused = await debug.heard('Debugger.paused', ({ hitBreakpoints }) =>
    String(hitBreakpoints).includes('index.mjs'),
  );
  const [frame] = paused['callFrames'] as { callFrameId: string; location: object }[];
  expect(frame?.location).toMatchObject({ lineNumber: place.lineNumber });
  const { callFrameId } = frame ?? {};
  const value = await debug.send('Debugger.evaluateOnCallFrame', {
    callFrameId,
    expression: 'req.path',
  });
  expect(value['result']).toMatchObject({ value: '/there' });
  await debug.send('Debugger.resume');
  expect((await reply).body).toBe('hello /there');
});

test('a reload has the same port, even where the old process stands at a breakpoint', async () => {
  const { folder, write } = createProject({ 'index.ts': CODE });
  const { functions, inspect, port, ready } = await start(folder);
  await ready(1);
  const debug = await attach(inspect);
  await debug.send('Debugger.enable');
  await debug.send('Debugger.pause');
  const waiting = ask(port, 'localhost', '/old').catch(() => undefined);
  await debug.heard('Debugger.paused');
  write('index.ts', CODE.replace('hello ', 'bye '));
  await ready(2);
  expect(functions().map(({ instances }) => instances.length)).toEqual([1]);
  expect((await ask(port, 'localhost', '/new')).body).toBe('bye /new');
  debug.close();
  await waiting;
  const again = await attach(inspect);
  const value = await again.send('Runtime.evaluate', { expression: 'process.title' });
  expect(value['result']).toMatchObject({ type: 'string' });
});

test('restart gives a function another process at the same port', async () => {
  const { folder } = createProject({
    'index.js': 'export default (req, res) => res.send(String(process.pid));\n',
    'package.json': '{"type":"module"}',
  });
  const { inspect, port, ready, restart } = await start(folder);
  await ready(1);
  const first = (await ask(port)).body;
  restart();
  await ready(2);
  expect((await ask(port)).body).not.toBe(first);
  expect((await fetch(`http://127.0.0.1:${inspect}/json/list`)).status).toBe(200);
});

test('each function has a port of its own, in their order', async () => {
  const project = createProject({
    'function.yaml': ['one', 'two']
      .map(
        (name) => `apiVersion: core.openfunction.io/v1beta2
kind: Function
metadata: { name: ${name} }
spec:
  image: example/a:v1
  build: { builder: local, srcRepo: { url: 'https://example.com/a.git', sourceSubPath: ${name} } }
  serving: { triggers: { http: { engine: keda, route: { hostnames: [${name}.example.com] } } } }
`,
      )
      .join('---\n'),
    'one/index.ts': CODE,
    'two/index.ts': CODE,
  });
  const { functions, inspect } = await start(project.folder);
  expect(functions().map((each) => [each.name, each.inspect])).toEqual([
    ['one', inspect],
    ['two', inspect + 1],
  ]);
});
