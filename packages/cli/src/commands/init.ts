// ofn init: a new project, of a template.
import { join, relative, resolve } from 'node:path';
import { InvalidArgumentError, type Command } from 'commander';
import { toFunctionName } from '@ofn/platform';
import { quote } from '../shell.ts';
import type { Terminal } from '../terminal.ts';
import { TEMPLATES, isTemplate, writeTemplate, type TemplateName } from '../template.ts';

const NAMES = Object.keys(TEMPLATES);
const DEFAULT: TemplateName = 'http';

/** Adds the command. */
export function addInit(program: Command, terminal: Terminal): void {
  program
    .command('init')
    .description('Write a new project')
    .argument(
      '[template]',
      `One of ${NAMES.join(', ')}; ${DEFAULT} when nobody says`,
      parseTemplate,
    )
    .argument('[folder]', 'Where; the function is called after it (default: hello-<template>)')
    .action(async (given: TemplateName | undefined, into: string | undefined) => {
      const template = given ?? (await askTemplate(terminal));
      const folder = into ?? (template === DEFAULT ? 'hello' : `hello-${template}`);
      const name = toFunctionName(resolve(folder));
      const files = await writeTemplate(template, folder, name);
      const written = files.map((file) => `  ${join(folder, file)}\n`).join('');
      terminal.out(`${name}: written with the template ${template}\n${written}\n${next(folder)}`);
    });
}

function parseTemplate(text: string): TemplateName {
  if (isTemplate(text)) return text;
  throw new InvalidArgumentError(
    `The templates are ${NAMES.join(', ')}; a folder comes after one: ofn init ${DEFAULT} ${text}`,
  );
}

async function askTemplate({ ask, out }: Terminal): Promise<TemplateName> {
  if (ask === undefined) return DEFAULT;
  for (const [name, text] of Object.entries(TEMPLATES)) out(`  ${name.padEnd(11)} ${text}\n`);
  for (;;) {
    const answer = (await ask(`Which template? (${DEFAULT}) `)).trim();
    if (answer === '') return DEFAULT;
    if (isTemplate(answer)) return answer;
    out(`There is no template "${answer}".\n`);
  }
}

function next(folder: string): string {
  const way = relative('.', folder);
  const commands = [...(way === '' ? [] : [`cd ${quote(way)}`]), 'npm install', 'npm run dev'];
  return `Next:\n${commands.map((command) => `  ${command}\n`).join('')}`;
}
