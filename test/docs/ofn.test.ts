// docs/ofn.md against the commands and options of the `ofn` command, and what it prints.
import { expect, test } from 'vitest';
import { createProgram, run } from '../../packages/cli/src/run.ts';
import { KEYS } from '../../packages/cli/src/dev/keys.ts';
import { TEMPLATES } from '../../packages/cli/src/template.ts';
import { createApp } from '../../packages/platform/src/admin/app.ts';
import { PLATFORM_ERRORS } from '../../packages/platform/src/errors.ts';
import { readPage, tableOf, type Row } from './markdown.ts';

const page = readPage('docs/ofn.md');
const program = createProgram({
  out() {},
  err() {},
  stdin: () => Promise.resolve(Buffer.alloc(0)),
  stop: AbortSignal.abort(),
});

test('the page lists every command with its arguments, in its order, and no other', () => {
  expect(tableOf(page, 'Command')).toEqual(commandRows(program));
});

const withOptions = program.commands.filter(({ options }) => options.length > 0);

test.for(withOptions.map((command) => command.name()))(
  'the page lists every option of %s, with its default and choices, and no other',
  (name) => {
    const command = withOptions.find((each) => each.name() === name);
    expect(tableOf(page, `Option of ${name}`)).toEqual(command && optionRows(command));
  },
);

test('the page has tables of options of commands that there are, and no other', () => {
  const named = [...page.text.matchAll(/^\| Option of (\S+) /gm)].map(([, name = '']) => name);
  expect(named.toSorted()).toEqual(withOptions.map((command) => command.name()).toSorted());
});

test('the page lists every template, with what it is, and no other', () => {
  const expected = Object.entries(TEMPLATES).map(([name, text]) => [`\`${name}\``, text]);
  expect(tableOf(page, 'Template')).toEqual(expected);
});

test('the page lists every key of dev, with what it does, and no other', () => {
  expect(tableOf(page, 'Key')).toEqual(KEYS.map(({ does, key }) => [`\`${key}\``, does]));
});

test('the page lists every error code of the platform, in its order, and no other', () => {
  const expected = Object.entries(PLATFORM_ERRORS).map(([code, text]) => [`\`${code}\``, text]);
  expect(tableOf(page, 'Code')).toEqual(expected);
});

test('the page of the admin API lists every request that it takes, in its order, and no other', () => {
  // Nothing of it is called.
  const { routes } = createApp({ stop: AbortSignal.abort() } as Parameters<typeof createApp>[0]);
  const taken = routes.filter(({ method }) => method !== 'ALL');
  const expected = taken.map(({ method, path }) => {
    return `\`${method} ${path.replaceAll(/:(\w+)(?:\{[^}]*\})?/g, '{$1}')}\``;
  });
  const listed = tableOf(readPage('docs/local-platform.md'), 'Request').map(([request]) => request);
  expect(listed).toEqual(expected);
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
    stdin: () => Promise.resolve(Buffer.from(text)),
    stop: AbortSignal.abort(),
  });
  expect(code).toBe(1);
  expect(page.text).toContain(printed.trim().replace('stdin:', 'function.yaml:'));
});

type Program = ReturnType<typeof createProgram>;

function commandRows({ commands }: Program): readonly Row[] {
  return commands.map((command) => {
    const words = command.registeredArguments.map((argument) => {
      const name = argument.variadic ? `${argument.name()}…` : argument.name();
      return argument.required ? `<${name}>` : `[${name}]`;
    });
    return [`\`${[command.name(), ...words].join(' ')}\``, command.description()];
  });
}

function optionRows({ options }: Program): readonly Row[] {
  return options.map(({ argChoices, defaultValue, description, envVar, flags }) => {
    const isTold = typeof defaultValue === 'string' || typeof defaultValue === 'number';
    const choices = argChoices === undefined ? '' : `: ${argChoices.join(', ')}`;
    const variable = envVar === undefined ? '' : `; also \`${envVar}\``;
    return [
      `\`${flags}\``,
      isTold ? String(defaultValue) : '',
      `${description}${choices}${variable}`,
    ];
  });
}
