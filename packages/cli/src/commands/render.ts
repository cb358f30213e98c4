// ofn render: Functions become the objects that a cluster needs to run them without OpenFunction.
import { Option, type Command } from 'commander';
import { render, renderYaml, type Target } from '@ofn/resources';
import { DEFAULT_FILE, readResources } from '../files.ts';
import { CommandError, type Terminal } from '../terminal.ts';

interface RenderFlags {
  readonly target?: Target;
  readonly addOn: '0.5' | 'current';
  readonly image?: string;
  readonly output: 'yaml' | 'json';
}

/** Adds the command. */
export function addRender(program: Command, terminal: Terminal): void {
  program
    .command('render')
    .description('Print the objects that run Functions in a cluster without OpenFunction')
    .argument('[files...]', 'YAML or JSON; - for the standard input', [DEFAULT_FILE])
    .addOption(
      new Option('--target <target>', 'What runs them; by default what each Function says').choices(
        ['keda-http', 'knative', 'async'],
      ),
    )
    .addOption(
      new Option('--add-on <version>', "Version of KEDA's http-add-on")
        .choices(['0.5', 'current'])
        .default('current'),
    )
    .option('--image <image>', 'Image that runs, in the place of the one of a single Function')
    .addOption(
      new Option('-o, --output <format>', 'Format').choices(['yaml', 'json']).default('yaml'),
    )
    .action(async (files: string[], { addOn, image, output, target }: RenderFlags) => {
      const { componentTypes, functions } = await readResources(files, terminal);
      if (functions.length === 0)
        throw new CommandError(`${files.join(', ')}: there is no Function in it`);
      if (image !== undefined && functions.length > 1) {
        throw new CommandError(`--image is for one Function, and there are ${functions.length}`);
      }
      const objects = functions.flatMap((given) =>
        render(given, {
          addOn,
          componentTypes,
          ...(target === undefined ? {} : { target }),
          ...(image === undefined ? {} : { image }),
        }),
      );
      terminal.out(
        output === 'yaml' ? renderYaml(objects) : `${JSON.stringify(toList(objects), null, 2)}\n`,
      );
    });
}

// As kubectl prints and takes several objects as one.
function toList(items: readonly object[]): object {
  return { apiVersion: 'v1', kind: 'List', items };
}
