// Loaded before the framework in each process of a function. It ends the process with its platform, and has one
// that stands by load the framework, and wait for what it is to run.
import { readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { isMainThread } from 'node:worker_threads';

/** What a process that stands by is told: one line of JSON on its standard input. */
interface Task {
  readonly args: readonly string[];
  readonly cwd: string;
  readonly env: Readonly<Record<string, string>>;
}

// What the function starts itself, such as a fork, is none of this: its input may end at once.
const own = process.execArgv.indexOf(import.meta.url);
if (own > 0) process.execArgv.splice(own - 1, 2);

const { stdin } = process;
const [, bin = '', mode, ...needs] = process.argv;
let text = '';
let told: (line: string) => void = () => {};

// In a worker thread it is empty.
if (isMainThread)
  stdin
    .on('data', (chunk: Buffer) => {
      text += String(chunk);
      const end = text.indexOf('\n');
      if (end >= 0) told(text.slice(0, end));
    })
    // A process whose platform was killed would serve nobody for ever.
    .on('end', () => process.kill(process.pid, 'SIGTERM'))
    .on('error', () => {});

// Milliseconds without a task after which also what few functions need is loaded.
const IDLE = 1000;

if (isMainThread && mode === '--standby') {
  let task: string | undefined;
  const line = new Promise<string>((resolve) => {
    told = (given) => resolve((task = given));
  });
  const dist = join(dirname(bin), '../dist');
  await load(join(dist, 'index.js'));
  await load(join(dist, 'runtime.js'));
  if (needs.includes('tracing')) {
    const { preload } = await import('@ofn/tracing/preload');
    await preload();
  }
  const timer = needs.includes('events') ? setTimeout(() => void loadRest(dist), IDLE) : undefined;
  const { args, cwd, env } = JSON.parse(await line) as Task;
  clearTimeout(timer);
  process.argv.splice(2, process.argv.length, ...args);
  process.chdir(cwd);
  for (const name of Object.keys(process.env)) if (!(name in env)) delete process.env[name];
  Object.assign(process.env, env);

  async function loadRest(folder: string): Promise<void> {
    for (const file of readdirSync(folder)) {
      if (task !== undefined) return;
      // The main module begins to serve.
      if (file.endsWith('.js') && file !== 'main.js') await load(join(folder, file));
    }
  }
}
stdin.unref();

// What cannot be loaded now is told of when it is needed.
async function load(file: string): Promise<void> {
  await import(pathToFileURL(file).href).catch(() => {});
}
