// How long a simulation of an hour takes, in seconds of load, in a process of its own each time.
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

const execute = promisify(execFile);
const HOUR = 3600;

// What is printed: milliseconds of the first run, which no run has warmed up, and of the fifth.
const SCRIPT = `
import { simulate } from '@ofn/keda';
// It rises and falls twice, with quiet between, and a burst each ten minutes.
const load = Array.from({ length: ${HOUR} }, (_, second) => {
  const wave = Math.max(0, Math.sin((second / ${HOUR}) * Math.PI * 4)) * 200;
  return Math.round(wave) + (second % 600 < 20 ? 300 : 0);
});
const input = {
  load,
  service: { duration: 120, concurrency: 10, coldStart: 800 },
  options: { metrics: [{ kind: 'concurrency', target: 8 }], cooldownPeriod: 60_000 },
};
const times = [];
for (let run = 0; run < 5; run += 1) {
  const begin = performance.now();
  const { points } = simulate(input);
  times.push(performance.now() - begin);
  if (points.length !== load.length) throw new Error('not every second was simulated');
}
console.log(JSON.stringify([times[0], times.at(-1)]));
`;

/** Milliseconds by run: `first` in a new process, and `fifth`. */
export async function measureSimulation(processes) {
  const series = new Map([
    ['first', []],
    ['fifth', []],
  ]);
  for (let count = 0; count < processes; count += 1) {
    const args = ['--input-type=module', '--eval', SCRIPT];
    const { stdout } = await execute(process.execPath, args, { cwd: import.meta.dirname });
    const [first, fifth] = JSON.parse(stdout);
    series.get('first').push(first);
    series.get('fifth').push(fifth);
  }
  return series;
}
