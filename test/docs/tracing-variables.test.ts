// docs/tracing-variables.md against the table of variables, and the table against the code that reads
// them: ours and the agent's.
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { VARIABLES } from '../../packages/tracing/src/variables.ts';
import { ROOT, readPage, tableOf } from './markdown.ts';

const TRACING = join(ROOT, 'packages/tracing');

test.each([
  ['both', 'Variable'],
  ['skywalking', 'Variable of SkyWalking'],
  ['opentelemetry', 'Variable of OpenTelemetry'],
] as const)('the page lists every variable of %s, in its order, and no other', (provider, head) => {
  const rows = tableOf(readPage('docs/tracing-variables.md'), head);
  const expected = VARIABLES.filter((variable) => variable.provider === provider).map(
    ({ name, default: fallback, effect }) => [`\`${name}\``, fallback, effect],
  );
  expect(rows).toEqual(expected);
});

test('the table has each name once', () => {
  const names = VARIABLES.map(({ name }) => name);
  expect(names).toEqual([...new Set(names)]);
});

/** The names of variables in a file; one that ends with `_` is the beginning of several. */
function namesIn(path: string): readonly string[] {
  const text = readFileSync(path, 'utf8');
  return [...text.matchAll(/\b(?:SW|OTEL)_[A-Z\d_]*[A-Z\d]\b(?!_)/g)].map(([name]) => name);
}

const sources = readdirSync(join(TRACING, 'src'), { recursive: true, encoding: 'utf8' })
  .filter((file) => /(?<!\.(?:test|fixture))\.ts$/.test(file) && file !== 'variables.ts')
  .map((file) => join('src', file));
const agent = ['config/AgentConfig.js', 'index.js', 'logging/index.js'].map((file) =>
  join('node_modules/skywalking-backend-js/lib', file),
);

test.each([...sources, ...agent])('the table has every variable that %s names', (file) => {
  const known = new Set<string>(VARIABLES.map(({ name }) => name));
  expect(namesIn(join(TRACING, file)).filter((name) => !known.has(name))).toEqual([]);
});

test("names are found in the agent's configuration", () => {
  const [configuration = ''] = agent;
  expect(namesIn(join(TRACING, configuration))).toContain('SW_AGENT_NAME');
});
