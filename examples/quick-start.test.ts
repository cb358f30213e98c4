// Covers the quick start, by the command of its README: what it prints, its two functions, and its stop.
import { spawn } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterAll, expect, onTestFinished, test } from 'vitest';
import { parseReadmeCommands, runReadmeCommand } from './readme-commands.ts';
import { followOutput, readScripts } from './start-example.ts';

const example = join(import.meta.dirname, 'quick-start');
const readme = readFileSync(join(example, 'README.md'), 'utf8');
const env = { PATH: `${join(example, 'node_modules/.bin')}:${process.env['PATH']}` };
// What it keeps is not of a run before.
const folder = mkdtempSync(join(tmpdir(), 'ofn-quick-start-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
for (const name of ['count', 'function.yaml', 'hello', 'package.json']) {
  cpSync(join(example, name), join(folder, name), {
    recursive: true,
    filter: (path) => !path.includes('.ofn'),
  });
}
symlinkSync(join(example, 'node_modules'), join(folder, 'node_modules'), 'junction');

/** Starts it as `npm start` does, on a free port. */
async function start() {
  const child = spawn(`exec ${readScripts(folder).start} --port 0`, {
    shell: true,
    cwd: folder,
    env,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  const output = followOutput(child);
  const { msg } = await output.line(({ msg }) => msg.includes('http://localhost:'));
  return { ...output, origin: /http:\/\/localhost:\d+/.exec(msg)?.[0] ?? '' };
}

/** A command of the README, as it is printed there. */
function ofn(args: string): Promise<string> {
  return text(spawn(`ofn ${args}`, { shell: true, cwd: folder, env, stdio: 'pipe' }).stdout);
}

const withoutChance = (printed: string): string =>
  printed
    .trim()
    .replaceAll(/localhost:\d+/g, 'localhost')
    .replaceAll(/\d+:\d+:\d+|[\d.]+ m?s\b|\b[0-9a-f]{8}(?:[0-9a-f]{24})?\b/g, '…')
    .replaceAll(/ +/g, ' ');

test('greets, counts, and prints what its README says', async () => {
  const [command] = parseReadmeCommands(readme);
  if (command === undefined) throw new Error('the README has no command');
  const running = await start();
  expect(await runReadmeCommand(command, running)).toBe(command.output);
  // In either order.
  for (const text of ['acked', 'GET /', 'was greeted']) {
    await running.line(({ msg }) => msg.includes(text));
  }
  const said = withoutChance(running.output())
    .split('\n')
    .map((line) => line.trim());
  const blocks = [...readme.matchAll(/^```text\n([^`]*)\n```$/gm)].map(([, block = '']) => block);
  for (const block of blocks.filter((each) => each.trim() !== command.output)) {
    expect(said).toEqual(expect.arrayContaining(withoutChance(block).split('\n')));
  }

  // The commands of its README.
  expect(await ofn('get functions')).toMatch(/^hello +Succeeded +Running/m);
  expect(await ofn('describe function hello')).toMatch(/Events:[^]*Serving is running\n$/);
  expect(await ofn(`invoke count -d '{"name":"Grace"}'`)).toBe(
    'published to greetings/greetings\n',
  );
  await running.line(({ msg }) => msg.includes('Grace was greeted, 1 in all'));
  await expect.poll(() => ofn('trace'), { timeout: 20_000 }).toMatch(/hello, count$/m);
  for (const line of readme.match(/^npx ofn .*$/gm) ?? []) {
    expect(line).toMatch(
      /^npx ofn (?:get functions|describe function hello|trace|invoke count -d .*)$/,
    );
  }
  expect(await ofn('render')).toContain('kind: Deployment');
  expect(await running.stop()).toBe(0);
});
