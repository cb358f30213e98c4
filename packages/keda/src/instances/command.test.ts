import { expect, test } from 'vitest';
import { parseCommand } from './command.ts';

test.each([
  ['node server.js', ['node', 'server.js']],
  ['  node   server.js  ', ['node', 'server.js']],
  [`node "my server.js" 'a b' c\\ d`, ['node', 'my server.js', 'a b', 'c d']],
  [`node --name="a \\"b\\""`, ['node', '--name=a "b"']],
  [`node '' ""`, ['node', '', '']],
  ['node $HOME `id` ; rm *', ['node', '$HOME', '`id`', ';', 'rm', '*']],
])('takes %s for its words, and evaluates nothing', (text, words) => {
  expect(parseCommand(text)).toEqual(words);
});

test.each(['', '   ', 'node "server.js', "node 'x"])('refuses %j', (text) => {
  expect(() => parseCommand(text)).toThrow(/the command .* (?:is empty|is not closed)/);
});
