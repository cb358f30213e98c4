// The bin: the process's arguments and streams become one run, its exit code that of the process.
import { createInterface } from 'node:readline/promises';
import { buffer } from 'node:stream/consumers';
import { openUrl } from './browser.ts';
import { hasColors } from './colors.ts';
import { createKeyboard } from './keyboard.ts';
import { run } from './run.ts';
import { CommandError } from './terminal.ts';

const stopping = new AbortController();
const { env, stdin, stdout } = process;
const isScreen = stdout.isTTY && env['TERM'] !== 'dumb';

function onSignal(): void {
  // A second one means now.
  if (stopping.signal.aborted) {
    // Below what it says it waits for.
    if (isScreen) stdout.write('\n');
    process.exit(1);
  }
  stopping.abort();
}

for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP', 'SIGQUIT'] as const) {
  process.on(signal, onSignal);
}

// Ctrl-C and Ctrl-D are no answer.
async function ask(question: string): Promise<string> {
  const lines = createInterface({ input: stdin, output: stdout });
  const closed = new Promise<never>((_, reject) => {
    lines.once('close', () => reject(new CommandError('\nthere was no answer; nothing is done')));
  });
  try {
    return await Promise.race([lines.question(question), closed]);
  } finally {
    lines.close();
  }
}

// Nobody reads it any more.
process.stderr.on('error', () => {});
// What reads it has had enough, such as `head`.
stdout.on('error', ({ code }: NodeJS.ErrnoException) => process.exit(code === 'EPIPE' ? 0 : 1));

process.exitCode = await run(process.argv.slice(2), {
  out: (written) => stdout.write(written),
  err: (written) => process.stderr.write(written),
  stdin: () => buffer(stdin),
  ...(stdin.isTTY && stdout.isTTY ? { ask } : {}),
  stop: stopping.signal,
  hasColors: hasColors(env, stdout.isTTY),
  ...(isScreen ? { columns: () => stdout.columns } : {}),
  ...(stdin.isTTY && stdout.isTTY ? { keyboard: createKeyboard(stdin, onSignal) } : {}),
  openUrl,
});
// What is still on its way into a pipe would be cut off.
await Promise.all([stdout, process.stderr].map(flushed));
process.exit();

function flushed(stream: NodeJS.WriteStream): Promise<void> {
  return new Promise((resolve) => {
    stream.write('', () => resolve());
  });
}
