// `ofn dev`: from its start until it serves, a first request from zero, and from a save until it is served.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';

const manifest = createRequire(import.meta.url).resolve('@ofn/cli/package.json');
const BIN = join(dirname(manifest), 'bin/ofn.js');
// Saves are apart, as those of a person are: longer than what a save sets off.
const BETWEEN = 400;

const codeOf = (version) => `import { version } from './version.ts';
export default (req: unknown, res: { send(text: string): void }): void => res.send(version);
// ${version}
`;
const versionOf = (version) => `export const version: string = '${version}';\n`;

/** Milliseconds by what was measured: `ready`, `fromZero` and `saved`. */
export async function measureDev(launches, saves) {
  const series = { ready: [], fromZero: [], saved: [] };
  for (let launch = 0; launch < launches; launch += 1) {
    const folder = mkdtempSync(join(tmpdir(), 'ofn-bench-'));
    writeFileSync(join(folder, 'index.ts'), codeOf(0));
    writeFileSync(join(folder, 'version.ts'), versionOf(0));
    const begin = performance.now();
    const child = spawn(process.execPath, [BIN, 'dev', folder, '--port', '0'], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    try {
      const url = await served(child);
      series.ready.push(performance.now() - begin);
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

async function ask(url) {
  const response = await fetch(url);
  return response.text();
}

function served(child) {
  return new Promise((resolve, reject) => {
    let output = '';
    child.stdout.on('data', (chunk) => {
      output += chunk;
      const [, url] = / is at (http:\/\/localhost:\d+\/)/.exec(output) ?? [];
      if (url !== undefined) resolve(url);
    });
    child.on('exit', () => reject(new Error(`ofn dev ended: ${output}`)));
  });
}
