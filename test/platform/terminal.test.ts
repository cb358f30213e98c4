// `ofn dev` at a terminal: its keys, colours, and what it waits for, with a fake terminal.
import { stripVTControlCharacters } from 'node:util';
import { expect, onTestFinished, test, vi } from 'vitest';
import { run } from '../../packages/cli/src/run.ts';
import { ask, createProject } from './project.ts';

const PID = `export default async (req, res) => {
  if (req.path === '/slow') await new Promise((resolve) => setTimeout(resolve, 2500));
  res.send(String(process.pid));
};
`;

/** Starts `ofn dev` as a person does, in the folder of a new project. */
async function startAtTerminal(files: Readonly<Record<string, string>>) {
  const { folder, write } = createProject({ 'package.json': '{"type":"module"}', ...files });
  return { write, folder, ...(await startIn(folder)) };
}

async function startIn(folder: string) {
  const before = process.cwd();
  process.chdir(folder);
  onTestFinished(() => process.chdir(before));
  const stop = new AbortController();
  const opened: string[] = [];
  let written = '';
  let listener: ((key: string) => void) | undefined;
  const ended = run(['dev', '--port', '0'], {
    out: (text) => void (written += String(text)),
    err: (text) => void (written += text),
    stdin: () => Promise.resolve(Buffer.alloc(0)),
    stop: stop.signal,
    hasColors: true,
    columns: () => 200,
    keyboard: {
      read(next) {
        listener = next;
        return () => (listener = undefined);
      },
      interrupt: () => stop.abort(),
    },
    openUrl: async (url) => void opened.push(url),
  });
  onTestFinished(async () => {
    stop.abort();
    await ended;
  });
  const text = (): string => stripVTControlCharacters(written);
  const shows = (expected: string | RegExp) =>
    vi.waitFor(() => expect(text()).toMatch(expected), { timeout: 20_000 });
  await shows('Press h for the keys.');
  return {
    ended,
    opened,
    port: Number(/http:\/\/localhost:(\d+)\//.exec(text())?.[1]),
    press: (key: string) => listener?.(key),
    isReading: () => listener !== undefined,
    raw: () => written,
    shows,
    text,
  };
}

test('r restarts the function, o opens it, c clears and h helps', async () => {
  const { opened, port, press, raw, shows } = await startAtTerminal({ 'index.js': PID });
  press('r');
  await shows('no function runs: a request starts it');
  const first = (await ask(port)).body;
  press('r');
  await shows('restarting all functions');
  await shows(/(?:hello-\w+-\d +ready in [^]*){2}/);
  const second = (await ask(port)).body;
  expect(second).not.toBe(first);
  press('o');
  await vi.waitFor(() => expect(opened).toEqual([`http://localhost:${port}/`]));
  press('h');
  await shows('Restart all functions');
  press('c');
  expect(raw().split('\u001b[2J')[1]).toContain('1 function');
});

test('q ends it with 0, and tells which request it waits for; keys are not read any more', async () => {
  const { ended, isReading, port, press, shows, text } = await startAtTerminal({
    'index.js': PID,
  });
  const slow = ask(port, 'localhost', '/slow');
  await shows(/hello-\w+-1 +ready in /);
  press('q');
  await shows('waiting for requests in flight: 1 of hello; Ctrl-C again ends at once (1 s)');
  expect(isReading()).toBe(false);
  expect((await slow).status).toBe(200);
  expect(await ended).toBe(0);
  expect(text()).toMatch(/GET \/slow +200 +\d\.\d s {2}cold start {2}slow/);
});

test('code that cannot be built is shown with its place, and a line says when it is mended', async () => {
  const { port, shows, write } = await startAtTerminal({ 'index.js': PID });
  await ask(port);
  write('index.js', 'export default ((');
  await shows(/hello +cannot be built\n\n {2}\[PARSE_ERROR\][^]*index\.js:1/);
  await shows('the new code does not serve; the old code goes on');
  write('index.js', PID);
  await shows('mended: built in ');
  expect((await ask(port)).status).toBe(200);
});

test('code that cannot be built at the start is told of, and so is the next start with the same code', async () => {
  const { ended, folder, press, shows } = await startAtTerminal({
    'index.js': 'export default ((',
  });
  const expected = /cannot be built\n[^]*PARSE_ERROR[^]*1 function[^]*cannot be built: see above/;
  await shows(expected);
  press('q');
  expect(await ended).toBe(0);
  const again = await startIn(folder);
  await again.shows(expected);
});

test('the names of the variables of .env are shown, and never a value', async () => {
  const { text } = await startAtTerminal({ 'index.js': PID, '.env': 'API_KEY=geheim\n' });
  expect(text()).toContain('.env has API_KEY');
  expect(text()).not.toContain('geheim');
});
