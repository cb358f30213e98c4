// The built package on each Node.js it supports: loading, stray errors, stopping, and no warnings.
import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { startCollector } from '@ofn/tracing/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const here = dirname(fileURLToPath(import.meta.url));
const bin = createRequire(import.meta.url)
  .resolve('@ofn/core')
  .replace(/cjs.index\.js$/, 'main.js');

// The npm packages of other Node.js versions exist for this platform; elsewhere the running one is
// tested, by itself.
const others = ['20', '22', '24', '26']
  .map((version) => ({
    version,
    path: join(here, 'node_modules', `node-${version}`, 'bin', 'node'),
  }))
  .filter(({ path }) => existsSync(path));
const versions =
  others.length > 0 ? others : [{ version: process.version, path: process.execPath }];

interface Started {
  readonly child: ChildProcess;
  readonly url: string;
  readonly errors: () => string;
  readonly exited: Promise<number | null>;
}

async function start(node: string, source: string, env = {}): Promise<Started> {
  const child = spawn(node, [bin, '--source', join(here, 'functions', source), '--port', '0'], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, ...env },
  });
  let errors = '';
  child.stderr.on('data', (chunk: Buffer) => (errors += chunk.toString()));
  const exited = new Promise<number | null>((resolve) => child.once('exit', resolve));
  const url = await new Promise<string>((resolve, reject) => {
    createInterface({ input: child.stdout }).on('line', (line) => {
      const found = /http:\/\/localhost:\d+/.exec(line);
      if (found !== null) resolve(found[0]);
    });
    void exited.then((code) => reject(new Error(`exited ${code}: ${errors}`)));
  });
  return { child, url, errors: () => errors, exited };
}

describe.each(versions)('on Node.js $version', ({ path }) => {
  let served: Started;

  beforeAll(async () => {
    served = await start(path, 'functions.cjs');
  });

  afterAll(() => {
    served.child.kill('SIGKILL');
  });

  it('serves functions that CommonJS code registers through require', async () => {
    const response = await fetch(`${served.url}/hello?name=Ada`);
    expect(await response.text()).toBe('Hello, Ada!');
  });

  it('serves a Web-standard handler', async () => {
    const response = await fetch(`${served.url}/fetch`);
    expect(await response.text()).toBe('/fetch');
  });

  it('returns a CloudEvent in the mode it came in', async () => {
    const response = await fetch(`${served.url}/echo`, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        'ce-id': '1',
        'ce-source': '/test',
        'ce-type': 'test',
        'ce-specversion': '1.0',
      },
      body: '{"n":1}',
    });
    expect(response.headers.get('ce-id')).toBe('1');
    expect(await response.json()).toEqual({ n: 1 });
  });

  it.each(['timer', 'immediate', 'rejection', 'emitter'])(
    'answers 500 to the call whose error was thrown in a %s, and serves on',
    async (where) => {
      const failed = await fetch(`${served.url}/${where}`);
      expect(failed.status).toBe(500);
      const next = await fetch(`${served.url}/hello?name=Bob`);
      expect(await next.text()).toBe('Hello, Bob!');
    },
  );

  it('serves ES modules, prints no warning, and exits 0 on SIGTERM', async () => {
    const started = await start(path, 'functions.mjs');
    try {
      const response = await fetch(`${started.url}/hello?name=Ada`);
      expect(await response.text()).toBe('Hello, Ada!');
      started.child.kill('SIGTERM');
      expect(await started.exited).toBe(0);
      expect(started.errors()).toBe('');
    } finally {
      started.child.kill('SIGKILL');
    }
  });

  it('runs TypeScript where Node.js strips types, and names the remedy where it does not', async () => {
    const { stdout } = await promisify(execFile)(path, [
      '-p',
      'process.features.typescript === "strip" || process.features.typescript === "transform"',
    ]);
    const strips = stdout.trim() === 'true';
    const started = await start(path, 'functions.ts').catch((error: Error) => error);
    try {
      const answer =
        started instanceof Error
          ? started.message
          : await (await fetch(`${started.url}/hello?name=Ada`)).text();
      expect(answer).toMatch(
        strips ? /^Hello, Ada!$/ : /OFN_TYPESCRIPT_UNSUPPORTED.*Node\.js 22\.18 or newer/,
      );
    } finally {
      if (!(started instanceof Error)) started.child.kill('SIGKILL');
    }
  });

  it('traces interleaved calls, each with its own spans and those that it calls', async () => {
    const collector = await startCollector();
    const started = await start(path, 'traced.mjs', {
      SW_AGENT_NAME: 'traced',
      SW_AGENT_COLLECTOR_BACKEND_SERVICES: collector.address,
    });
    try {
      await Promise.all(
        Array.from({ length: 50 }, (_, id) =>
          fetch(`${started.url}/outer?id=${id}`).then((response) => response.text()),
        ),
      );
      started.child.kill('SIGTERM');
      expect(await started.exited).toBe(0);
      expect(started.errors()).toBe('');
      const [outer = [], inner = []] = ['outer', 'inner'].map((name) =>
        collector.segments.filter(({ spansList }) =>
          spansList.some(({ operationname, spanid }) => spanid === 0 && operationname === name),
        ),
      );
      expect([outer.length, inner.length]).toEqual([50, 100]);
      for (const { spansList, tracesegmentid } of outer) {
        const spans = spansList.toSorted((a, b) => a.spanid - b.spanid);
        expect(
          spans.map(({ operationname, parentspanid }) => [operationname, parentspanid]),
        ).toEqual([
          ['outer', -1],
          [expect.stringMatching(/^work \d+$/), 0],
          ['/inner', 1],
          ['/inner', 0],
        ]);
        const called = inner.flatMap(({ spansList: [first] }) =>
          (first?.refsList ?? []).filter((ref) => ref.parenttracesegmentid === tracesegmentid),
        );
        expect(new Set(called.map(({ parentspanid }) => parentspanid))).toEqual(new Set([2, 3]));
      }
    } finally {
      started.child.kill('SIGKILL');
      await collector.stop();
    }
  });

  it('runs the testing export from CommonJS without a warning', async () => {
    const script = join(here, 'functions', 'in-process.cjs');
    const { stdout, stderr } = await promisify(execFile)(path, [script]);
    expect(stdout).toBe('{"hello":"Ada"}');
    expect(stderr).toBe('');
  });
});
