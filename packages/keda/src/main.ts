// The bin: the process's arguments and signals become one run, its exit code that of the process.
import { run } from './run.ts';

const stopping = new AbortController();

function onSignal(signal: NodeJS.Signals): void {
  // A second one means now.
  if (stopping.signal.aborted) process.exit(1);
  stopping.abort(signal);
}

// Those of a terminal that closes, too: processes of functions would outlive this one.
for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP', 'SIGQUIT'] as const) {
  process.on(signal, onSignal);
}

process.exitCode = await run(process.argv.slice(2), {
  env: process.env,
  out: (text) => process.stdout.write(text),
  err: (text) => process.stderr.write(text),
  stop: stopping.signal,
});
process.exit();
