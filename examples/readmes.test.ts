// Covers the READMEs of the examples: each command does what the README says below it.
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import {
  parseReadmeCommands,
  parseReadmeLog,
  runReadmeCommand,
  withoutChance,
} from './readme-commands.ts';
import { readScripts, startExample } from './start-example.ts';

const examples = readdirSync(import.meta.dirname, { withFileTypes: true })
  .filter((entry) => entry.isDirectory() && entry.name !== 'node_modules')
  .map(({ name }) => name);

const runsTypeScript = 'typescript' in process.features && process.features.typescript !== false;
// One with several functions in processes of their own, or with none at first, has its README run by its own
// test.
const runnable = ofOneProcess(examples).filter(
  (name) => runsTypeScript || !existsSync(join(import.meta.dirname, name, 'index.ts')),
);

function ofOneProcess(names: readonly string[]): readonly string[] {
  return names.filter(
    (name) =>
      !/npm run -s collector|^ofn-interceptor |^ofn /.test(
        readScripts(join(import.meta.dirname, name)).start,
      ),
  );
}

function readExample(name: string, file: string): string {
  return readFileSync(join(import.meta.dirname, name, file), 'utf8');
}

// What is served over HTTP, and what comes through a sidecar.
const SERVED = /^(?:serving .*|\w+ receives the .*)$/;
const withSidecar = ofOneProcess(examples).filter((name) =>
  existsSync(join(import.meta.dirname, name, 'components')),
);

test.each(examples)('%s is a private package that its README names', (name) => {
  const manifest = JSON.parse(readExample(name, 'package.json')) as Record<string, unknown>;
  expect(manifest).toMatchObject({ name: `@ofn-examples/${name}`, private: true });
  expect(readExample(name, 'README.md').startsWith(`# ${name}\n`)).toBe(true);
});

test.each(runnable)('%s prints and answers what its README says', async (name) => {
  const readme = readExample(name, 'README.md');
  const commands = parseReadmeCommands(readme);
  expect(commands).not.toHaveLength(0);

  const example = await startExample(join(import.meta.dirname, name));
  const answers: { command: string; output: string }[] = [];
  for (const command of commands) {
    const output = await runReadmeCommand(command, example);
    answers.push({ command: command.text, output: withoutChance(output) });
  }
  expect(answers).toEqual(
    commands.map(({ text, output }) => ({ command: text, output: withoutChance(output) })),
  );
  for (const text of parseReadmeLog(readme)) await example.line(({ msg }) => msg === text);
  const served = example.lines.map(({ msg }) => msg).filter((msg) => SERVED.test(msg));
  expect(readme.match(new RegExp(SERVED, 'gm'))).toEqual(
    served.map((msg) => msg.replace(/localhost:\d+/, 'localhost:8080')),
  );
  expect(await example.stop()).toBe(0);
});

test.each(withSidecar)('%s starts its function and its sidecar with one command', (name) => {
  const scripts = readScripts(join(import.meta.dirname, name));
  expect(Object.keys(scripts)).toEqual(['start', 'function', 'sidecar']);
  expect(scripts.start).toBe(
    'concurrently --kill-others --names function,sidecar "npm run -s function" "npm run -s sidecar"',
  );
});
