// ofn validate: Function files, checked as a cluster would, and more.
import type { Command } from 'commander';
import { DEFAULT_FILE, readResources } from '../files.ts';
import type { Terminal } from '../terminal.ts';

/** Adds the command. */
export function addValidate(program: Command, terminal: Terminal): void {
  program
    .command('validate')
    .description('Check Functions, Builders and Servings, of v1beta2 and v1beta1')
    .argument('[files...]', 'YAML or JSON; - for the standard input', [DEFAULT_FILE])
    .action(async (files: string[]) => {
      const { builders, components, functions, ignored, servings } = await readResources(
        files,
        terminal,
      );
      const tell = (kind: string, name: string): void => {
        terminal.out(`${kind} "${name}" is valid\n`);
      };
      for (const { metadata } of functions) tell('Function', metadata.name);
      for (const { metadata } of builders) tell('Builder', metadata.name);
      for (const { metadata } of servings) tell('Serving', metadata.name);
      for (const { metadata } of components) tell('Component', metadata.name);
      for (const name of ignored) terminal.out(`${name} is not looked at\n`);
    });
}
