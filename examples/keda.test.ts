// Covers a function that is scaled from zero by the interceptor in front of it, its load and its plot.
import { execFile, spawn } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, onTestFinished, test } from 'vitest';
import { readObjects, toRoutes } from '../packages/keda/src/index.ts';
import { parseReadmeCommands, runReadmeCommand } from './readme-commands.ts';
import { followOutput, readScripts } from './start-example.ts';

const folder = join(import.meta.dirname, 'keda');
const readme = readFileSync(join(folder, 'README.md'), 'utf8');
const execute = promisify(execFile);

/** The ```text blocks of the README. */
const printed = [...readme.matchAll(/^```text\n([^`]*)\n```$/gm)].map(([, text = '']) => text);

/** Starts all as `npm start` does, on free ports. */
async function start() {
  const child = spawn(`exec ${readScripts(folder).start} --port 0 --admin-port 0`, {
    shell: true,
    cwd: folder,
    env: { PATH: `${join(folder, 'node_modules/.bin')}:${process.env['PATH']}` },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const output = followOutput(child);
  onTestFinished(() => {
    child.kill('SIGINT');
    return new Promise((resolve) => child.once('close', resolve));
  });
  const { msg } = await output.line(({ msg }) => msg.includes('→ thumbnails at '));
  return { ...output, origin: /http:\S+/.exec(msg)?.[0] ?? '' };
}

const withoutChance = (text: string): string =>
  text.replaceAll(/localhost:\d+/g, 'localhost').replaceAll(/\d+ ms/g, '<time>');

test('is started by its first request, answers a load, and prints what its README says', async () => {
  const [command] = parseReadmeCommands(readme);
  if (command === undefined) throw new Error('the README has no command');
  const example = await start();
  expect(await runReadmeCommand(command, example)).toBe(command.output);
  // What the function itself prints may come between.
  const said = withoutChance(example.output()).split('\n');
  const [started = '', scaled = ''] = printed.map(withoutChance);
  expect(said).toEqual(expect.arrayContaining([...started.split('\n'), ...scaled.split('\n')]));

  const { stdout } = await execute('node', ['load.js', '50', '1', example.origin], { cwd: folder });
  expect(withoutChance(stdout)).toBe(
    '50 × 200\n0 waited for a first instance; 1 instances answered\np50 <time>, p99 <time>\n',
  );
});

test('has its plot drawn, and the figures of its README, by its own script', async () => {
  const copy = mkdtempSync(join(tmpdir(), 'ofn-plot-'));
  onTestFinished(() => rmSync(copy, { recursive: true }));
  for (const file of ['plot.js', 'package.json', 'httpscaledobject.yaml']) {
    cpSync(join(folder, file), join(copy, file));
  }
  symlinkSync(join(folder, 'node_modules'), join(copy, 'node_modules'));
  const { stdout } = await execute('node', ['plot.js'], { cwd: copy });
  expect(printed).toContain(stdout.trim());
  expect(readFileSync(join(copy, 'plot.svg'), 'utf8')).toBe(
    readFileSync(join(folder, 'plot.svg'), 'utf8'),
  );
});

test('has objects that lead to the Service of its other file', async () => {
  const files = ['httpscaledobject.yaml', 'deployment.yaml'];
  const { ignored, objects, ...referents } = await readObjects(
    files.map((file) => join(folder, file)),
  );
  expect(toRoutes(objects, referents)).toMatchObject([
    { route: { target: { service: 'thumbnails', port: 80 } } },
  ]);
  expect(ignored).toEqual([expect.stringContaining('Deployment')]);
});
