// `ofn dev`: from its start until it serves, a first request from zero beside a start without it, from a save
// until it is served, and the memory of many functions that nobody asks.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { freePort, spawnServer, untilListening } from './server-process.js';

const FRAMEWORK = join(
  dirname(createRequire(import.meta.url).resolve('@ofn/core/package.json')),
  'bin/functions-framework.js',
);
const manifest = createRequire(import.meta.url).resolve('@ofn/cli/package.json');
const BIN = join(dirname(manifest), 'bin/ofn.js');
// Saves are apart, as those of a person are: longer than what a save sets off.
const BETWEEN = 400;

const codeOf = (version) => `import { version } from './version.ts';
export default (req: unknown, res: { send(text: string): void }): void => res.send(version);
// ${version}
`;
const versionOf = (version) => `export const version: string = '${version}';\n`;

// What `ofn dev` does for the next request once it serves, is done by then.
const SETTLED = 1500;

/** Milliseconds by what was measured: `ready`, `coldStart`, `fromZero` and `saved`. */
export async function measureDev(launches, saves) {
  const series = { ready: [], coldStart: [], fromZero: [], saved: [] };
  for (let launch = 0; launch < launches; launch += 1) {
    const folder = mkdtempSync(join(tmpdir(), 'ofn-bench-'));
    writeFileSync(join(folder, 'index.ts'), codeOf(0));
    writeFileSync(join(folder, 'version.ts'), versionOf(0));
    const begin = performance.now();
    const child = start(folder, [folder]);
    try {
      const url = await served(child);
      series.ready.push(performance.now() - begin);
      await wait(SETTLED);
      series.coldStart.push(await startAlone(folder));
      const asked = performance.now();
      await ask(url);
      series.fromZero.push(performance.now() - asked);
      for (let save = 1; save <= saves; save += 1) {
        await wait(BETWEEN);
        const at = performance.now();
        writeFileSync(join(folder, 'version.ts'), versionOf(save));
        while ((await ask(url)) !== String(save));
        series.saved.push(performance.now() - at);
      }
    } finally {
      child.kill('SIGINT');
      await once(child, 'exit');
      rmSync(folder, { recursive: true });
    }
  }
  return series;
}

// The same build as the same process, without a platform: from spawning it to its first answer.
async function startAlone(folder) {
  const builds = join(folder, '.ofn/builds');
  const [build] = readdirSync(builds);
  const port = await freePort();
  const begin = performance.now();
  const args = ['--source', join(builds, build, 'index.mjs'), '--port', String(port)];
  const server = spawnServer([FRAMEWORK, ...args], { env: { NODE_ENV: 'development' } });
  try {
    await untilListening(server, port);
    await ask(`http://127.0.0.1:${port}/`);
    return performance.now() - begin;
  } finally {
    await server.stop();
  }
}

const FUNCTIONS = 50;
const IDLE = 5000;

/** Megabytes of all processes of `ofn dev` with 50 functions that nobody asks. */
export async function measureDevMemory(launches) {
  const measured = [];
  for (let launch = 0; launch < launches; launch += 1) {
    const root = mkdtempSync(join(tmpdir(), 'ofn-bench-'));
    const folders = Array.from({ length: FUNCTIONS }, (_, index) => join(root, `f${index}`));
    for (const folder of folders) {
      mkdirSync(folder);
      writeFileSync(join(folder, 'index.ts'), codeOf(0));
      writeFileSync(join(folder, 'version.ts'), versionOf(0));
    }
    const child = start(root, folders);
    try {
      await served(child);
      await wait(IDLE);
      measured.push(residentOf(child.pid));
    } finally {
      child.kill('SIGINT');
      await once(child, 'exit');
      rmSync(root, { recursive: true });
    }
  }
  return measured;
}

// Of a process and all below it.
function residentOf(pid) {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  const [, kilobytes] = /^VmRSS:\s+(\d+) kB$/m.exec(status) ?? [];
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim();
  const below = children === '' ? [] : children.split(' ').map(Number);
  return Number(kilobytes) / 1024 + below.reduce((sum, each) => sum + residentOf(each), 0);
}

function start(cwd, paths) {
  return spawn(process.execPath, [BIN, 'dev', ...paths, '--port', '0'], {
    cwd,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
}

async function ask(url) {
  const response = await fetch(url);
  return response.text();
}

function served(child) {
  return new Promise((resolve, reject) => {
    let output = '';
    child.stdout.on('data', (chunk) => {
      output += chunk;
      const [, url] = /(http:\/\/[\w.-]*localhost:\d+\/)/.exec(output) ?? [];
      if (url !== undefined) resolve(url);
    });
    child.on('exit', () => reject(new Error(`ofn dev ended: ${output}`)));
  });
}
