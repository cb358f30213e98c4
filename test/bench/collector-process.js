// The handle of a SkyWalking collector in a process of its own, which counts the segments it gets.
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { serverFile } from './peers.js';

// Milliseconds without a segment after which no more come: they are reported about each second.
const QUIET = 1500;

/**
 * Starts a collector.
 *
 * @returns {Promise<{address: string, segments: () => Promise<number>, allReported: () =>
 *   Promise<number>, stop: () => void}>} `address` is `host:port`; `segments` resolves to how many have
 *   come so far, and `allReported` to the same when no more come.
 */
export async function startCollector() {
  const child = fork(serverFile('collector'));
  const exited = once(child, 'exit');

  async function answer() {
    const [message] = await Promise.race([once(child, 'message'), exited]);
    if (child.exitCode !== null) throw new Error('the collector has ended');
    return message;
  }

  function segments() {
    child.send('segments');
    return answer();
  }

  return {
    address: await answer(),
    segments,
    async allReported() {
      let before;
      let now = await segments();
      do {
        await delay(QUIET);
        before = now;
        now = await segments();
      } while (now > before);
      return now;
    },
    stop: () => child.kill(),
  };
}
