// docs/ofn.md against the commands and options of the `ofn` command, and what it prints.
import { expect, test } from 'vitest';
import { createProgram, run } from '../../packages/cli/src/run.ts';
import { TEMPLATES } from '../../packages/cli/src/template.ts';
import { PLATFORM_ERRORS } from '../../packages/platform/src/errors.ts';
import { readPage, tableOf } from './markdown.ts';

const page = readPage('docs/ofn.md');
const program = createProgram({
  out() {},
  err() {},
  stdin: () => Promise.resolve(''),
  stop: AbortSignal.abort(),
});

test('the page lists every command with its arguments, in its order, and no other', () => {
  const expected = program.commands.map((command) => {
    const words = command.registeredArguments.map((argument) =>
      argument.variadic ? `[${argument.name()}…]` : `[${argument.name()}]`,
    );
    return [`\`${[command.name(), ...words].join(' ')}\``, command.description()];
  });
  expect(tableOf(page, 'Command')).toEqual(expected);
});

const commands = program.commands.filter(({ options }) => options.length > 0);

test.for(commands.map((command) => [command.name(), command] as const))(
  'the page lists every option of %s, with its default and choices, and no other',
  ([name, command]) => {
    const expected = command.options.map(({ argChoices, defaultValue, description, flags }) => [
      `\`${flags}\``,
      // That of a flag which turns something off is what it turns off.
      ['string', 'number'].includes(typeof defaultValue) ? String(defaultValue) : '',
      argChoices === undefined ? description : `${description}: ${argChoices.join(', ')}`,
    ]);
    expect(tableOf(page, `Option of ${name}`)).toEqual(expected);
  },
);

test('the page lists every template, with what it is, and no other', () => {
  const expected = Object.entries(TEMPLATES).map(([name, text]) => [`\`${name}\``, text]);
  expect(tableOf(page, 'Template')).toEqual(expected);
});

test('the page lists every error code of the platform, in its order, and no other', () => {
  const expected = Object.entries(PLATFORM_ERRORS).map(([code, text]) => [`\`${code}\``, text]);
  expect(tableOf(page, 'Code')).toEqual(expected);
});

test('the error of the page is the one that is printed', async () => {
  const text = `apiVersion: core.openfunction.io/v1beta2
kind: Function
metadata: { name: hello }
spec:
  imagge: example/hello:v1
  image: example/hello:v1
  serving: {}
`;
  let printed = '';
  const code = await run(['validate', '-'], {
    out() {},
    err: (written) => void (printed += written),
    stdin: () => Promise.resolve(text),
    stop: AbortSignal.abort(),
  });
  expect(code).toBe(1);
  expect(page.text).toContain(printed.trim().replace('stdin:', 'function.yaml:'));
});
