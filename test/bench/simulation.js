// The simulation of an hour of load, second by second, as a user runs it before a deployment.
import { simulate } from '@ofn/keda';

const SECONDS = 3600;

// A hill with a burst each ten minutes, so that replicas come and go all the time.
const load = Array.from({ length: SECONDS }, (_, second) => {
  const hill = 200 * (1 - Math.cos((2 * Math.PI * second) / SECONDS));
  return Math.round(hill + (second % 600 < 30 ? 300 : 0));
});

/** Milliseconds of each of so many simulations, after as many that do not count. */
export function measureSimulation(rounds) {
  const times = [];
  for (let round = -rounds; round < rounds; round += 1) {
    const begin = performance.now();
    simulate({ load, service: { duration: 120, concurrency: 10, coldStart: 800 } });
    if (round >= 0) times.push(performance.now() - begin);
  }
  return times;
}
