// Snippets as files that run. The comment before a snippet says how; one line each:
//
//   file hello.cjs                        the name it is saved under, for other snippets to import
//   with target=hello timeout=1s          options of the runtime, by their flags
//   GET /hello?name=Ada => 200 Hello!     a request, and the reply; JSON is compared as a part
//   POST /orders {"total":3} => 204
//   EVENT /onOrder {"type":"t","data":1} => 204
//   context {"outputs":{…}}               the function context
//   sidecar mq=pubsub.in-memory           a Dapr sidecar for what the functions send, with components
//   TOPIC orders {"total":3} => SUCCESS   an event of a topic for a function, and its acknowledgement
//   BINDING nightly {} => SUCCESS         an event of a binding, likewise
//   run => some text                      the file runs by itself, and what it prints holds the text
import { execFile } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { Worker } from 'node:worker_threads';
import { ROOT, type Snippet } from './markdown.ts';

const execute = promisify(execFile);

/** A request of a snippet, with the reply it must get. */
interface Exchange {
  readonly said: string;
  readonly request: {
    readonly method: string;
    readonly path: string;
    readonly headers?: Readonly<Record<string, string>>;
    readonly body?: string;
  };
  readonly status: number;
  /** `undefined` for a reply whose body does not matter. */
  readonly body: string | undefined;
}

/** An event that a sidecar delivers to a function, with the acknowledgement it must get. */
interface Delivery {
  readonly said: string;
  readonly kind: 'topic' | 'binding';
  readonly name: string;
  readonly data: unknown;
  readonly acknowledgement: string;
}

/** A snippet, and what is to be done with it. */
export interface Exercise {
  readonly snippet: Snippet;
  /** Name in the folder of its page. */
  readonly file: string;
  readonly options: Readonly<Record<string, string>>;
  /** The function context; `undefined` for none. */
  readonly context: string | undefined;
  /** Components of the sidecar that the functions send to, type by name; `undefined` for none. */
  readonly sidecar: Readonly<Record<string, string>> | undefined;
  readonly steps: readonly (Exchange | Delivery)[];
  /** What the file must print when it runs by itself; `undefined` when it does not. */
  readonly prints: string | undefined;
}

/** Parses the directives of a snippet. */
export function toExercise(snippet: Snippet): Exercise {
  const { language, line, directives = [] } = snippet;
  let file = `line-${line}.${language}`;
  let options: Record<string, string> = {};
  let prints: string | undefined;
  let context: string | undefined;
  let sidecar: Record<string, string> | undefined;
  const steps: (Exchange | Delivery)[] = [];
  for (const said of directives) {
    const [verb, rest] = split(said, ' ');
    if (verb === 'file') file = rest;
    else if (verb === 'with') options = toPairs(rest);
    else if (verb === 'context') context = rest;
    else if (verb === 'sidecar') sidecar = toPairs(rest);
    else if (verb === 'TOPIC' || verb === 'BINDING') steps.push(toDelivery(said, verb, rest));
    else if (verb === 'run') prints = rest.replace(/^=> ?/, '');
    else steps.push(toExchange(said, verb, rest));
  }
  return { snippet, file, options, context, sidecar, steps, prints };
}

function split(text: string, separator: string): [string, string] {
  const at = text.indexOf(separator);
  return at === -1 ? [text, ''] : [text.slice(0, at), text.slice(at + separator.length)];
}

function toPairs(text: string): Record<string, string> {
  return Object.fromEntries(text.split(' ').map((pair) => split(pair, '=')));
}

function toDelivery(said: string, verb: 'TOPIC' | 'BINDING', rest: string): Delivery {
  const [before, acknowledgement] = split(rest, ' => ');
  const [name, sent] = split(before, ' ');
  if (!/^(SUCCESS|RETRY|DROP)$/.test(acknowledgement)) throw new Error(`unknown: ${said}`);
  const kind = verb === 'TOPIC' ? 'topic' : 'binding';
  return { said, kind, name, data: sent === '' ? undefined : JSON.parse(sent), acknowledgement };
}

function toExchange(said: string, verb: string, rest: string): Exchange {
  const [before, after] = split(rest, ' => ');
  const [path, sent] = split(before, ' ');
  const [status, body] = split(after, ' ');
  if (!/^[A-Z]+$/.test(verb) || !/^\d{3}$/.test(status)) throw new Error(`unknown: ${said}`);
  const reply = { said, status: Number(status), body: body === '' ? undefined : body };
  if (verb === 'EVENT') {
    const event = { specversion: '1.0', id: '1', source: '/docs', ...(JSON.parse(sent) as object) };
    const headers = { 'content-type': 'application/cloudevents+json' };
    const request = { method: 'POST', path, headers, body: JSON.stringify(event) };
    return { ...reply, request };
  }
  if (sent === '') return { ...reply, request: { method: verb, path } };
  const type = /^[[{"]/.test(sent) ? 'application/json' : 'text/plain';
  return {
    ...reply,
    request: { method: verb, path, headers: { 'content-type': type }, body: sent },
  };
}

/** The folder of a page's snippets, below `folder`. */
function folderOf(folder: string, { page }: Snippet): string {
  return join(folder, basename(page, '.md'));
}

/** Saves all exercises below a folder, and compiles those in TypeScript, checking their types. */
export async function saveExercises(folder: string, all: readonly Exercise[]): Promise<void> {
  for (const { snippet, file } of all) {
    const path = join(folderOf(folder, snippet), file);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, snippet.code);
  }
  const base = join(ROOT, 'tsconfig.base.json');
  const compilerOptions = { declaration: false, noUnusedParameters: false, rootDir: '.' };
  const config = { extends: base, compilerOptions, include: ['**/*.ts'] };
  writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify(config));
  const tsc = execute('pnpm', ['exec', 'tsc', '-p', folder], { cwd: ROOT });
  await tsc.catch((error: { stdout: string }) => {
    throw new Error(`snippets do not compile:\n${error.stdout}`);
  });
}

function savedPath(folder: string, { snippet, file }: Exercise): string {
  return join(folderOf(folder, snippet), file.replace(/\.ts$/, '.js'));
}

/** What a snippet replied: to a request, or to a delivery. */
export type Reply =
  { readonly status: number; readonly body: string } | { readonly acknowledgement: string };

/** Serves an exercise in a thread of its own, where it alone registers functions. */
export function serveExercise(folder: string, exercise: Exercise): Promise<readonly Reply[]> {
  const { options, context, sidecar, steps } = exercise;
  const source = savedPath(folder, exercise);
  const workerData = { source, options, context, sidecar, steps };
  return new Promise((resolve, reject) => {
    const worker = new Worker(new URL('serve-snippet.js', import.meta.url), {
      workerData,
      stdout: true,
    });
    worker.once('message', resolve);
    worker.once('error', reject);
  });
}

/** Runs an exercise with node by itself; what it prints. */
export async function runExercise(folder: string, exercise: Exercise): Promise<string> {
  const path = savedPath(folder, exercise);
  const { stdout } = await execute(process.execPath, [path], { cwd: dirname(path) });
  return stdout;
}
