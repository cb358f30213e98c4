// Files of resources, named by the user, as one set of resources.
import { readFile } from 'node:fs/promises';
import {
  ResourceError,
  parseResources,
  type BuilderResource,
  type ComponentResource,
  type FunctionResource,
  type ServingResource,
} from '@ofn/resources';
import { CommandError, type Terminal } from './terminal.ts';

/** What is read when no file is named. */
export const DEFAULT_FILE = 'function.yaml';

/** What the files have in them, in their order. */
interface Resources {
  readonly functions: FunctionResource[];
  readonly builders: BuilderResource[];
  readonly servings: ServingResource[];
  /** Dapr's Components that stand by themselves. */
  readonly components: ComponentResource[];
  /** Their types, by their names. */
  readonly componentTypes: Record<string, string>;
  /** Objects of other kinds, as `kind "name"`. */
  readonly ignored: string[];
}

/**
 * Reads files; `-` is the standard input.
 *
 * @throws CommandError for a file that cannot be read, ResourceError with the issues of all files.
 */
export async function readResources(
  files: readonly string[],
  terminal: Terminal,
): Promise<Resources> {
  const found: Resources = {
    functions: [],
    builders: [],
    servings: [],
    components: [],
    componentTypes: {},
    ignored: [],
  };
  const errors: ResourceError[] = [];
  for (const file of files) {
    const text = await read(file, terminal);
    try {
      const parsed = parseResources(text, { file: file === '-' ? 'stdin' : file });
      found.functions.push(...parsed.functions);
      found.builders.push(...parsed.builders);
      found.servings.push(...parsed.servings);
      found.components.push(...parsed.components);
      found.ignored.push(...parsed.ignored);
      Object.assign(found.componentTypes, parsed.componentTypes);
    } catch (error) {
      if (!(error instanceof ResourceError)) throw error;
      errors.push(error);
    }
  }
  const [first] = errors;
  if (first === undefined) return found;
  const message = errors.map((error) => error.message).join('\n');
  throw new ResourceError(first.code, message, { issues: errors.flatMap(({ issues }) => issues) });
}

async function read(file: string, terminal: Terminal): Promise<string> {
  if (file === '-') return String(await terminal.stdin());
  try {
    return await readFile(file, 'utf8');
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    const reason = REASONS[code ?? ''] ?? (cause as Error).message;
    throw new CommandError(`${file} ${reason}`, { cause });
  }
}

const REASONS: Readonly<Record<string, string>> = {
  ENOENT: 'does not exist; name the file of a Function, or - for the standard input',
  EISDIR: 'is a folder; name a file in it',
  EACCES: 'may not be read',
};
