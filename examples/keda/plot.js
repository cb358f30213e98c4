// Simulates ten minutes of a load behind the objects of this folder, and other targets for comparison.
import { writeFileSync } from 'node:fs';
import { readObjects, renderPlot, simulate, toRoutes } from '@ofn/keda';

// Requests a second: quiet, a morning that comes up slowly, a burst, and quiet again.
const load = Array.from({ length: 600 }, (_, second) => {
  if (second < 30 || second >= 400) return 0;
  if (second < 200) return Math.round((second - 30) * 0.7);
  return second < 260 ? 300 : 60;
});
// What one instance takes: 200 ms a request, 20 at a time, half a second from its start until it is ready.
const service = { duration: 200, concurrency: 20, coldStart: 500 };

const { objects, ...referents } = await readObjects(['httpscaledobject.yaml']);
const [{ scaling }] = toRoutes(objects, referents);

console.log('target  replicas at most  replica seconds  p50      p99');
for (const target of [5, 10, 20, 40]) {
  const options = { ...scaling, metrics: [{ kind: 'concurrency', target }] };
  const { maxReplicas, p50, p99, replicaSeconds } = simulate({ load, service, options }).summary;
  const cells = [target, maxReplicas, Math.round(replicaSeconds)].map(String);
  const widths = [8, 18, 17];
  const row = cells.map((cell, column) => cell.padEnd(widths[column])).join('');
  console.log(`${row}${`${Math.round(p50)} ms`.padEnd(9)}${Math.round(p99)} ms`);
}

writeFileSync('plot.svg', renderPlot(simulate({ load, service, options: scaling })));
console.log('plot.svg shows the target of httpscaledobject.yaml');
