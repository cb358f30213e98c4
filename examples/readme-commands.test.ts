// Covers the reading of READMEs: a command that is not understood is an error, never left out.
import { expect, test } from 'vitest';
import { parseReadmeCommands, withoutChance } from './readme-commands.ts';

const fence = '```';

function block(language: string, text: string): string {
  return `${fence}${language}\n${text}\n${fence}\n`;
}

test('reads method, headers, body and the output below', () => {
  const curl = `curl -i -X PUT http://localhost:8080/a \\\n  -H 'X-A: b c' -d '{"d": 1}'`;
  const [command] = parseReadmeCommands(`Text\n\n${block('sh', curl)}\n${block('json', '{}')}`);
  expect(command).toEqual({
    text: curl,
    url: 'http://localhost:8080/a',
    request: {
      method: 'PUT',
      headers: [
        ['X-A', 'b c'],
        ['content-type', 'application/x-www-form-urlencoded'],
      ],
      body: '{"d": 1}',
    },
    showsHeaders: true,
    output: '{}',
  });
});

test('refuses a command that has no output below it', () => {
  const curl = block('sh', 'curl http://localhost:8080/');
  expect(() => parseReadmeCommands(`${curl}\nand no output\n`)).toThrow(
    '1 curl commands, but 0 with an output below them',
  );
});

test('refuses a flag it does not know', () => {
  const markdown = `${block('sh', 'curl -k http://localhost:8080/')}\n${block('text', 'x')}`;
  expect(() => parseReadmeCommands(markdown)).toThrow('the flag -k is not known here');
});

test('leaves blocks alone that hold no curl command', () => {
  expect(parseReadmeCommands(block('sh', 'npm start'))).toEqual([]);
});

test('takes ids and times for equal, and nothing else', () => {
  const one = 'a 0d1c2b3a-1111-4222-8333-444455556666 2026-01-02T03:04:05.678Z';
  expect(withoutChance(one)).toBe('a <uuid> <time>');
});
