// The templates of new projects: real files, in which one name stands for that of the function.
import { mkdir, readFile, readdir, stat, writeFile } from 'node:fs/promises';
import { dirname, join, relative, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { CommandError } from './terminal.ts';

/** What each template is, by its name; the first is the default. */
export const TEMPLATES = {
  http: 'A function over HTTP, in JavaScript',
  typescript: 'A function over HTTP, in TypeScript',
  cloudevent: 'A function that receives CloudEvents over HTTP',
  pubsub: 'A function that sends to a topic, and one that receives it',
  cron: 'A function that is called at a schedule',
  keda: "A function over HTTP that KEDA's http-add-on scales from zero",
} as const satisfies Readonly<Record<string, string>>;

/** Name of a template. */
export type TemplateName = keyof typeof TEMPLATES;

/** Whether there is such a template. */
export function isTemplate(name: string): name is TemplateName {
  return Object.hasOwn(TEMPLATES, name);
}

// Beside src and beside dist.
const FOLDER = fileURLToPath(new URL('../templates/', import.meta.url));
const PLACEHOLDER = /my-function/g;
// npm leaves files that are called .gitignore out of packages.
const HIDDEN: Readonly<Record<string, string>> = { gitignore: '.gitignore' };

/**
 * Writes the files of a template.
 *
 * @param folder Made if it is not there.
 * @param name Of the function.
 * @returns The files, relative to the folder.
 * @throws CommandError when one of the files is there already, and nothing is written then; or when one cannot
 *   be written.
 */
export async function writeTemplate(
  template: TemplateName,
  folder: string,
  name: string,
): Promise<readonly string[]> {
  const from = join(FOLDER, template);
  const files = new Map<string, string>();
  for (const entry of await readdir(from, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const source = join(entry.parentPath, entry.name);
    const path = join(relative(from, entry.parentPath), HIDDEN[entry.name] ?? entry.name);
    files.set(path, (await readFile(source, 'utf8')).replaceAll(PLACEHOLDER, name));
  }
  const paths = [...files.keys()].toSorted();
  await assertFree(template, folder, paths);
  for (const path of paths) {
    const target = join(folder, path);
    try {
      await mkdir(dirname(target), { recursive: true });
      // Fails for what has come in between.
      await writeFile(target, files.get(path) ?? '', { flag: 'wx' });
    } catch (cause) {
      const { message } = cause as Error;
      throw new CommandError(`${target} cannot be written: ${message}`, { cause });
    }
  }
  return paths;
}

async function assertFree(
  template: TemplateName,
  folder: string,
  paths: readonly string[],
): Promise<void> {
  const taken: string[] = [];
  for (const path of paths) {
    const parents = path.split(sep).map((_, index, parts) => parts.slice(0, index).join(sep));
    for (const parent of parents) {
      const found = await stat(join(folder, parent)).catch(() => undefined);
      if (found?.isDirectory() === false) {
        throw new CommandError(
          `${join(folder, parent)} is a file, and has to be a folder; name another one`,
        );
      }
    }
    if ((await stat(join(folder, path)).catch(() => undefined)) !== undefined) taken.push(path);
  }
  if (taken.length === 0) return;
  throw new CommandError(
    `${folder} has ${taken.join(', ')} already, and nothing is overwritten; name another folder: ofn init ${template} <folder>`,
  );
}
