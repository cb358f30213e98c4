// The bin: the process's arguments and streams become one run, its exit code that of the process.
import { text } from 'node:stream/consumers';
import { run } from './run.ts';

const stopping = new AbortController();

function onSignal(): void {
  // A second one means now.
  if (stopping.signal.aborted) process.exit(1);
  stopping.abort();
}

for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP', 'SIGQUIT'] as const) {
  process.on(signal, onSignal);
}

process.exitCode = await run(process.argv.slice(2), {
  out: (written) => process.stdout.write(written),
  err: (written) => process.stderr.write(written),
  stdin: () => text(process.stdin),
  stop: stopping.signal,
});
process.exit();
