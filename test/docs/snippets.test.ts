// The code of the documentation: each snippet that is a whole file runs, every other one parses.
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { parseSync } from 'rolldown/utils';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ROOT, readPages, snippetsOf, type Snippet } from './markdown.ts';
import { runExercise, saveExercises, serveExercise, toExercise } from './snippet.ts';

const snippets = readPages()
  .flatMap(snippetsOf)
  .filter(({ language }) => /^[mc]?[jt]s$/.test(language));
const exercises = snippets.filter((snippet) => snippet.directives !== undefined).map(toExercise);

const scratch = join(ROOT, 'test/docs/.ofn');
mkdirSync(scratch, { recursive: true });
const folder = mkdtempSync(join(scratch, 'snippets-'));

beforeAll(() => saveExercises(folder, exercises));
afterAll(() => rmSync(folder, { recursive: true }));

const titled = <T extends { snippet: Snippet }>(all: readonly T[]) =>
  all.map((item) => [`${item.snippet.page}:${item.snippet.line}`, item] as const);

describe('a snippet that serves functions', () => {
  const serving = exercises.filter(({ steps }) => steps.length > 0);
  test.for(titled(serving))('%s replies as the page says', async ([, exercise]) => {
    const replies = await serveExercise(folder, exercise);
    const { steps } = exercise;
    const actual = replies.map((reply, index) => ({
      said: steps[index]?.said,
      ...('status' in reply ? { ...reply, body: comparable(reply.body) } : reply),
    }));
    const expected = steps.map((step) => {
      const { said } = step;
      if ('acknowledgement' in step) return { said, acknowledgement: step.acknowledgement };
      const { status, body } = step;
      return body === undefined ? { said, status } : { said, status, body: comparable(body) };
    });
    expect(actual).toMatchObject(expected);
  });
});

// JSON as its value, of which a page may show a part.
function comparable(body: string): unknown {
  return body.startsWith('{') ? JSON.parse(body) : body;
}

describe('a snippet that runs by itself', () => {
  const running = exercises.filter(({ prints }) => prints !== undefined);
  test.for(titled(running))('%s prints what the page says', async ([, exercise]) => {
    expect(await runExercise(folder, exercise)).toContain(exercise.prints);
  });
});

describe('every other snippet', () => {
  const others = snippets.filter(({ directives }) => directives === undefined);
  const cases = titled(others.map((snippet) => ({ snippet })));

  test.for(cases)('%s parses', ([, { snippet }]) => {
    const { errors } = parseSync(`snippet.${snippet.language}`, snippet.code);
    expect(errors.map(({ message }) => message)).toEqual([]);
  });

  test.for(cases)('%s is a part of a file, not a whole one', ([, { snippet }]) => {
    expect(snippet.code).not.toMatch(/^(import|export)\b|\brequire\(|\bexports\b/m);
  });
});
